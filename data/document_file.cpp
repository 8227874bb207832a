#include "data/document_file.h"

#include <zstd.h>

#include "data/json_line.h"
#include "engine/base/error.h"

namespace gradus {

namespace {

constexpr size_t frame_bytes = 4 << 20;
constexpr int level = 3;

}  // namespace

DocumentFile::DocumentFile(const std::filesystem::path& path) : file_(path) {}

void DocumentFile::add(const Document& document) {
    append_json_line(frame_, document.text, document.source);
    if (frame_.size() >= frame_bytes) end_frame();
}

void DocumentFile::end_frame() {
    compressed_.resize(ZSTD_compressBound(frame_.size()));
    const size_t bytes = ZSTD_compress(compressed_.data(), compressed_.size(), frame_.data(), frame_.size(), level);
    CHECK(!ZSTD_isError(bytes), ZSTD_getErrorName(bytes));
    file_.write(compressed_.data(), bytes);
    frame_.clear();
}

void DocumentFile::commit() {
    end_frame();  // an empty file also needs a frame to be a valid .zst
    file_.commit();
}

}  // namespace gradus
