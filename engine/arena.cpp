#include "engine/arena.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gradus {

namespace {
// The offsets where a tensor placed after `end` bytes begins and where the next one may begin; false on overflow.
bool place(const Shape& shape, size_t element, size_t end, size_t& begin, size_t& next) {
    constexpr size_t most = size_t(1) << 62;
    const size_t unit = element * size_t(arena_alignment);
    begin = (end + unit - 1) / unit * unit;
    size_t bytes = element;
    for (int64_t n : shape.dim)
        if (n < 0 || __builtin_mul_overflow(bytes, size_t(n), &bytes)) return false;
    if (bytes > most - unit || begin > most) return false;
    next = begin + (bytes + unit - 1) / unit * unit;
    return next <= most;
}

std::string text_of(const Shape& shape) {
    std::string text;
    for (int i = 0; i < shape.rank; ++i) text += (i > 0 ? " x " : "") + std::to_string(shape.dim[size_t(i)]);
    return text;
}

}  // namespace

Arena::~Arena() {
    if (!memory_) return;
    if (where_ == ArenaMemory::host) ops_->release_host(memory_, bytes_);
    else ops_->release(memory_, bytes_);
}

void Arena::declare(const std::string& name, Tensor& tensor, const Shape& shape, DType dtype, Place place) {
    CHECK(!memory_, "declare() after allocate() in the arena of " + purpose_);
    entries_.push_back({name, &tensor, shape, dtype, place, 0});
}

void Arena::declare_matmul_workspace(Tensor& workspace) {
    const auto floats = int64_t(ops_->matmul_workspace / sizeof(float));
    if (floats) declare("matmul workspace", workspace, {floats}, DType::f32);
}

void Arena::allocate(int parts) {
    CHECK(!memory_, "the arena of " + purpose_ + " is allocated twice");
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.place.bucket, a.place.order) < std::pair(b.place.bucket, b.place.order);
    });
    std::vector<size_t> offsets;
    size_t begin_of_bucket = 0;
    for (size_t i = 0; i < entries_.size(); ++i) {
        Entry& e = entries_[i];
        size_t begin = 0;
        if (!place(e.shape, size_of(e.dtype), bytes_, begin, bytes_))
            throw Error("the " + purpose_ + " need more memory than a machine can address",
                        "'" + e.name + "' alone is " + text_of(e.shape) + " numbers",
                        "a smaller model, batch or context: --set train.micro_batch=1 in training");
        e.first = int64_t(begin / size_of(e.dtype));
        offsets.push_back(begin);
        if (i + 1 < entries_.size() && entries_[i + 1].place.bucket == e.place.bucket) continue;
        const size_t multiple = size_of(e.dtype) * size_t(arena_alignment) * size_t(parts);
        bytes_ = begin_of_bucket + (bytes_ - begin_of_bucket + multiple - 1) / multiple * multiple;
        buckets_.push_back(
            {int64_t(begin_of_bucket / size_of(e.dtype)), int64_t((bytes_ - begin_of_bucket) / size_of(e.dtype))});
        begin_of_bucket = bytes_;
    }
    if (bytes_ == 0) return;
    if (where_ == ArenaMemory::host) {
        memory_ = ops_->allocate_host(bytes_);
        std::memset(memory_, 0, bytes_);
    } else {
        memory_ = ops_->allocate(bytes_);
        ops_->zero(memory_, bytes_, {});
    }
    for (size_t i = 0; i < entries_.size(); ++i) {
        Entry& e = entries_[i];
        *e.tensor = Tensor{static_cast<char*>(memory_) + offsets[i], e.dtype, e.shape};
    }
}

void Arena::zero(Stream stream) {
    CHECK(where_ == ArenaMemory::device, "host arenas are not zeroed");
    if (memory_) ops_->zero(memory_, bytes_, stream);
}

Tensor Arena::flat() const {
    CHECK(memory_ && !entries_.empty(), "the arena of " + purpose_ + " is empty");
    for (const Entry& e : entries_) CHECK(e.dtype == entries_[0].dtype, "the arena of " + purpose_ + " mixes dtypes");
    return {memory_, entries_[0].dtype, {int64_t(bytes_ / size_of(entries_[0].dtype))}};
}

}  // namespace gradus
