#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/test_listener.h"

namespace millrace {

/// A key and a certificate for it, made for a test.
struct TestCertificate {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;

  /// Valid from `from_days` to `to_days` from now, for `name` (an address, or a subject only).
  /// Signed by `issuer`, or by itself as an authority.
  static TestCertificate Make(const std::string& name, const TestCertificate* issuer,
                              int from_days = -1, int to_days = 1) {
    TestCertificate made;
    made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
    made.certificate.reset(X509_new(), X509_free);
    X509* x = made.certificate.get();
    static std::atomic<long> serial{1};
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    constexpr long kDay = 86'400;
    X509_gmtime_adj(X509_getm_notBefore(x), from_days * kDay);
    X509_gmtime_adj(X509_getm_notAfter(x), to_days * kDay);
    X509_set_pubkey(x, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* const signer = issuer != nullptr ? issuer->certificate.get() : x;
    X509_set_issuer_name(x, X509_get_subject_name(signer));
    if (issuer == nullptr) {
      Extend(x, signer, NID_basic_constraints, "critical,CA:TRUE");
    } else if (name.find('.') != std::string::npos) {
      Extend(x, signer, NID_subject_alt_name, "IP:" + name);
    }
    X509_sign(x, (issuer != nullptr ? issuer->key : made.key).get(), EVP_sha256());
    return made;
  }

  /// The files PATH.crt and PATH.key.
  void Write(const std::string& path) const {
    FILE* file = std::fopen((path + ".crt").c_str(), "w");  // allowed: OpenSSL writes
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = std::fopen((path + ".key").c_str(), "w");  // allowed: as above
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }

 private:
  static void Extend(X509* x, X509* signer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, signer, x, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
};

/// Answers "200 hello" to every request over TLS. With `client_authority` it wants to see a
/// certificate that this authority has signed.
class TestTlsServer {
 public:
  explicit TestTlsServer(const TestCertificate& own,
                         const TestCertificate* client_authority = nullptr)
      : context_(SSL_CTX_new(TLS_server_method())) {
    std::signal(SIGPIPE, SIG_IGN);  // clients go away in the middle of a handshake
    SSL_CTX_use_certificate(context_, own.certificate.get());
    SSL_CTX_use_PrivateKey(context_, own.key.get());
    if (client_authority != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), client_authority->certificate.get());
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    listener_ = ListenOnLoopback(&port_);
    thread_ = std::thread([this] { Serve(); });
  }
  ~TestTlsServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    SSL_CTX_free(context_);
  }

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }

 private:
  void Serve() {
    for (;;) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      SSL* ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd);
      char bytes[4096];
      if (SSL_accept(ssl) == 1 && SSL_read(ssl, bytes, sizeof bytes) > 0) {
        constexpr char kAnswer[] =
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        SSL_write(ssl, kAnswer, sizeof kAnswer - 1);
        SSL_shutdown(ssl);
      }
      SSL_free(ssl);
      close(fd);
    }
  }

  SSL_CTX* const context_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace millrace
