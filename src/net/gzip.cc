#include "net/gzip.h"

#include <algorithm>
#include <memory>

#include <zlib.h>

namespace millrace {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's sign for a gzip header
constexpr int kFast = 1;              // tensors compress little; time matters more
constexpr size_t kChunk = 64 * 1024;

Bytef* Writable(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(
      const_cast<char*>(bytes.data()));  // zlib does not write to its input
}

}  // namespace

Result<std::string> GzipCompress(std::span<const std::string_view> pieces) {
  z_stream stream{};
  if (deflateInit2(&stream, kFast, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Error::Internal("zlib does not start");
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  std::string out;
  for (size_t i = 0; i <= pieces.size(); ++i) {
    const bool last = i == pieces.size();
    const std::string_view piece = last ? std::string_view() : pieces[i];
    stream.next_in = Writable(piece);
    stream.avail_in = static_cast<uInt>(piece.size());
    do {
      const size_t at = out.size();
      out.resize(at + kChunk);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + at);
      stream.avail_out = kChunk;
      deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
      out.resize(at + kChunk - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  return out;
}

Result<std::string> GzipDecompress(std::string_view bytes, size_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return Error::Internal("zlib does not start");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = Writable(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  int code = Z_OK;
  while (code == Z_OK) {
    const size_t at = out.size();
    out.resize(at + kChunk);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + at);
    stream.avail_out = kChunk;
    code = inflate(&stream, Z_NO_FLUSH);
    out.resize(at + kChunk - stream.avail_out);
    if (out.size() > max_bytes) {
      return Error::Data("the gzip stream holds more than " + std::to_string(max_bytes) + " bytes");
    }
  }
  if (code != Z_STREAM_END) return Error::Data("the bytes are not a whole gzip stream");
  return out;
}

}  // namespace millrace
