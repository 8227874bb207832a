#include "engine/arena.h"

#include <algorithm>

namespace gradus {

namespace {
constexpr int64_t alignment = 64;  // elements
int64_t aligned(int64_t n) { return (n + alignment - 1) / alignment * alignment; }
}  // namespace

Arena::~Arena() {
    if (memory_) ops_->release(memory_, bytes_);
}

void Arena::declare(const std::string& name, Tensor& tensor, const Shape& shape, DType dtype, int group) {
    CHECK(!memory_, "declare() after allocate() in the arena of " + purpose_);
    entries_.push_back({name, &tensor, shape, dtype, group, 0});
}

void Arena::allocate() {
    CHECK(!memory_, "the arena of " + purpose_ + " is allocated twice");
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return a.group < b.group; });
    std::vector<size_t> offsets;
    for (Entry& e : entries_) {
        const size_t unit = size_of(e.dtype) * size_t(alignment);
        bytes_ = (bytes_ + unit - 1) / unit * unit;
        e.first = int64_t(bytes_ / size_of(e.dtype));
        offsets.push_back(bytes_);
        bytes_ += size_t(aligned(e.shape.size())) * size_of(e.dtype);
    }
    if (bytes_ == 0) return;
    memory_ = ops_->allocate(bytes_);
    ops_->zero(memory_, bytes_, {});
    for (size_t i = 0; i < entries_.size(); ++i) {
        Entry& e = entries_[i];
        *e.tensor = Tensor{static_cast<char*>(memory_) + offsets[i], e.dtype, e.shape};
    }
}

void Arena::zero(Stream stream) {
    if (memory_) ops_->zero(memory_, bytes_, stream);
}

Tensor Arena::flat() const {
    CHECK(memory_ && !entries_.empty(), "the arena of " + purpose_ + " is empty");
    for (const Entry& e : entries_) CHECK(e.dtype == entries_[0].dtype, "the arena of " + purpose_ + " mixes dtypes");
    return {memory_, entries_[0].dtype, {int64_t(bytes_ / size_of(entries_[0].dtype))}};
}

}  // namespace gradus
