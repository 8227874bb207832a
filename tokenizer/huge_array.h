#pragma once
// A zeroed array in huge pages where the system has them: a table with random accesses otherwise waits for the page tables as often as
// for the memory itself. The advice must come before the first access.
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace gradus {

template <class Element>
class HugeArray {
public:
    HugeArray() = default;
    explicit HugeArray(size_t count) : size_(count) {
        constexpr size_t huge = size_t(2) << 20, line = 64;
        const size_t bytes = count * sizeof(Element), alignment = bytes >= huge ? huge : line;
        const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
        memory_.reset(static_cast<Element*>(std::aligned_alloc(alignment, rounded)));
        if (!memory_) throw std::bad_alloc();
        if (alignment == huge) ::madvise(memory_.get(), rounded, MADV_HUGEPAGE);
        std::memset(static_cast<void*>(memory_.get()), 0, rounded);
    }

    size_t size() const { return size_; }
    Element& operator[](size_t i) { return memory_.get()[i]; }
    const Element& operator[](size_t i) const { return memory_.get()[i]; }

private:
    struct Free {
        void operator()(Element* memory) const { std::free(memory); }
    };
    std::unique_ptr<Element, Free> memory_;
    size_t size_ = 0;
};

}  // namespace gradus
