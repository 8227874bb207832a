// Work on several threads.
#include <pthread.h>

#include <atomic>
#include <mutex>
#include <set>

#include "tests/tokenizer/goldens.h"
#include "tokenizer/threads.h"
#include "tokenizer/train_bpe.h"

using namespace gradus;

namespace {

// While an object of this class exists, the system starts no thread, because the default stack is larger than any
// memory.
class NoMoreThreads {
public:
    NoMoreThreads() {
        REQUIRE(pthread_getattr_default_np(&usual_) == 0);
        pthread_attr_t huge = usual_;
        REQUIRE(pthread_attr_setstacksize(&huge, size_t(1) << 46) == 0);
        REQUIRE(pthread_setattr_default_np(&huge) == 0);
    }
    ~NoMoreThreads() { pthread_setattr_default_np(&usual_); }

private:
    pthread_attr_t usual_;
};

}  // namespace

TEST_CASE("every thread gets its number, and the call returns after the last has ended") {
    std::mutex guard;
    std::multiset<int> seen;
    run_in_threads(5, [&](int thread) {
        const std::lock_guard lock(guard);
        seen.insert(thread);
    });
    REQUIRE(seen == std::multiset<int>{0, 1, 2, 3, 4});
}

TEST_CASE("an exception in any thread reaches the caller after all have ended, the lowest thread's first") {
    std::atomic<int> ended = 0;
    const auto failing = [&](std::set<int> which) {
        ended = 0;
        return error_of([&] {
            run_in_threads(4, [&](int thread) {
                ++ended;
                if (which.contains(thread)) throw Error(std::to_string(thread), "", "");
            });
        });
    };
    REQUIRE(std::string(failing({0}).what()) == "0");
    REQUIRE(std::string(failing({3}).what()) == "3");
    REQUIRE(std::string(failing({3, 2}).what()) == "2");
    REQUIRE(ended == 4);
    REQUIRE_THROWS_AS(run_in_threads(3,
                                     [](int thread) {
                                         if (thread == 2) throw std::bad_alloc();
                                     }),
                      std::bad_alloc);
}

TEST_CASE("if the system allows no more threads, the existing ones do the work") {
    BpeTraining training;
    training.vocab_size = 300;
    training.threads = 4;
    const std::string expected = train_bpe(texts(lines_of(read_file(golden_path("prose.txt")))), training).to_json();
    const NoMoreThreads none;
    int ran = 0;
    run_in_threads(8, [&](int) { ++ran; });
    REQUIRE(ran == 1);
    REQUIRE(train_bpe(texts(lines_of(read_file(golden_path("prose.txt")))), training).to_json() == expected);
}
