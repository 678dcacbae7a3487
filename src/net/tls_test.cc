#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http.h"
#include "net/test_tls_server.h"

namespace millrace {
namespace {

using testing::HasSubstr;

class TlsTest : public testing::Test {  // T10
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("tls_") + test->name());
    std::filesystem::create_directories(folder_);
    authority_.Write(folder_ / "ca");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  HttpResult Ask(const TestTlsServer& server, TlsSettings tls) {
    HttpRequest request;
    request.url = server.url();
    request.timeout_us = 5'000'000;
    request.tls = std::make_shared<const TlsSettings>(std::move(tls));
    return SendAndWait(HttpClient::Shared(), std::move(request));
  }
  TlsSettings Trusting() const { return {.ca_file = folder_ / "ca.crt"}; }

  const TestCertificate authority_ = TestCertificate::Make("test authority", nullptr);
  std::filesystem::path folder_;
};

TEST_F(TlsTest, OwnAuthority) {
  const TestTlsServer server(TestCertificate::Make("127.0.0.1", &authority_));
  const HttpResult result = Ask(server, Trusting());
  EXPECT_TRUE(result.status.ok()) << Describe(result.status);
  EXPECT_EQ(result.response.body, "hello");
  const HttpResult unknown = Ask(server, {});
  EXPECT_THAT(Describe(unknown.status), HasSubstr("'tls-ca'"));
  EXPECT_EQ(InfoOf(unknown.status).error_class, ErrorClass::kUser);
}

TEST_F(TlsTest, ExpiredCertificate) {
  const TestTlsServer server(TestCertificate::Make("127.0.0.1", &authority_, -30, -2));
  const std::string text = Describe(Ask(server, Trusting()).status);
  EXPECT_THAT(text, HasSubstr("expired"));
  EXPECT_THAT(text, HasSubstr("renew the certificate"));
}

TEST_F(TlsTest, AnotherHostsCertificate) {
  const TestTlsServer server(TestCertificate::Make("10.1.2.3", &authority_));
  EXPECT_THAT(Describe(Ask(server, Trusting()).status),
              HasSubstr("the host name that the certificate is for"));
}

TEST_F(TlsTest, NoVerification) {
  const TestTlsServer server(TestCertificate::Make("10.1.2.3", &authority_, -30, -2));
  EXPECT_EQ(Ask(server, {.verify = false}).response.body, "hello");
}

TEST_F(TlsTest, ClientCertificate) {
  const TestTlsServer server(TestCertificate::Make("127.0.0.1", &authority_), &authority_);
  EXPECT_THAT(Describe(Ask(server, Trusting()).status), HasSubstr("'tls-certificate'"));  // T12
  TestCertificate::Make("client", &authority_).Write(folder_ / "client");
  TlsSettings tls = Trusting();
  tls.certificate_file = folder_ / "client.crt";
  tls.key_file = folder_ / "client.key";
  const HttpResult result = Ask(server, tls);
  EXPECT_TRUE(result.status.ok()) << Describe(result.status);
  EXPECT_EQ(result.response.body, "hello");
  tls.key_file = folder_ / "nowhere.key";
  EXPECT_THAT(Describe(Ask(server, tls).status), HasSubstr("readable, and PEM"));
}

}  // namespace
}  // namespace millrace
