#include "tests/parallel/threads/thread_ranks.h"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "kernels/scalar.h"

namespace gradus::test {

namespace {

struct AnotherRankFailed : std::runtime_error {
    AnotherRankFailed() : std::runtime_error("another rank failed") {}
};

template <class Scalar>
Scalar plus(Scalar a, Scalar b) {
    return a + b;
}
bf16 plus(bf16 a, bf16 b) { return bf16(float(a) + float(b)); }

template <class Scalar>
void add_as(char* out, const std::vector<const char*>& sources, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        Scalar sum = reinterpret_cast<const Scalar*>(sources[0])[i];
        for (size_t k = 1; k < sources.size(); ++k) sum = plus(sum, reinterpret_cast<const Scalar*>(sources[k])[i]);
        reinterpret_cast<Scalar*>(out)[i] = sum;
    }
}

}  // namespace

class ThreadGroup {
public:
    ThreadGroup(std::string its_axis, std::vector<int> members, int number)
        : axis(std::move(its_axis)), ranks(std::move(members)), given(size()), texts(size()), number_(number) {}

    size_t size() const { return ranks.size(); }

    // A barrier of the group.
    void meet() {
        std::unique_lock hold(lock_);
        const int64_t round = round_;
        if (++arrived_ == size()) {
            arrived_ = 0;
            ++round_;
            changed_.notify_all();
        }
        changed_.wait(hold, [&] { return failed_ || round_ != round; });
        if (round_ == round) throw AnotherRankFailed();
    }
    void fail() {
        std::lock_guard hold(lock_);
        failed_ = true;
        changed_.notify_all();
    }

    // Elements [first, first + count) of the sum of `given`, in this group's order: neighbouring groups begin with
    // different ranks and alternate in direction.
    std::vector<char> sum_of(int64_t first, int64_t count) const {
        const DType dtype = given[0].dtype;
        std::vector<const char*> sources;
        for (size_t k = 0; k < size(); ++k) {
            const size_t step = number_ % 2 == 0 ? k : size() - k;
            const Tensor& t = given[(size_t(number_) + step) % size()];
            CHECK(t.dtype == dtype && t.size() == given[0].size(), "ranks of " + axis + " sum different tensors");
            sources.push_back(static_cast<const char*>(t.data) + size_t(first) * size_of(dtype));
        }
        std::vector<char> sum(size_t(count) * size_of(dtype));
        if (dtype == DType::f32) add_as<float>(sum.data(), sources, count);
        else if (dtype == DType::bf16) add_as<bf16>(sum.data(), sources, count);
        else if (dtype == DType::f64) add_as<double>(sum.data(), sources, count);
        else CHECK(false, "unsupported dtype");
        return sum;
    }

    void send(int from, int to, std::vector<char> bytes) {
        std::lock_guard hold(lock_);
        messages_[{from, to}].push_back(std::move(bytes));
        changed_.notify_all();
    }
    std::vector<char> receive(int from, int to) {
        std::unique_lock hold(lock_);
        auto& queue = messages_[{from, to}];
        changed_.wait(hold, [&] { return failed_ || !queue.empty(); });
        if (queue.empty()) throw AnotherRankFailed();
        std::vector<char> bytes = std::move(queue.front());
        queue.pop_front();
        return bytes;
    }

    const std::string axis;
    const std::vector<int> ranks;
    std::vector<Tensor> given;       // by rank: its tensor in the current call
    std::vector<std::string> texts;  // by rank: its text in gather()

private:
    const int number_;  // among the groups of its axis
    std::mutex lock_;
    std::condition_variable changed_;
    size_t arrived_ = 0;
    int64_t round_ = 0;
    bool failed_ = false;
    std::map<std::pair<int, int>, std::deque<std::vector<char>>> messages_;
};

namespace {

ThreadRanks::Member here(void* member) { return *static_cast<ThreadRanks::Member*>(member); }

// Each rank passes a tensor, computes its result from all of them, and stores it when no rank reads any more.
template <class Make, class Take>
void together(void* member, const Tensor& mine, Make&& make, Take&& take) {
    const auto [group, rank] = here(member);
    group->given[size_t(rank)] = mine;
    group->meet();
    const auto made = make(*group, rank);
    group->meet();
    take(made);
}

void into(const Tensor& to, const std::vector<char>& bytes) {
    CHECK(to.bytes() == bytes.size(), "a tensor of another size");
    std::memcpy(to.data, bytes.data(), bytes.size());
}

void sum(void* member, Tensor t, Stream) {
    together(
        member, t, [&](const ThreadGroup& g, int) { return g.sum_of(0, t.size()); },
        [&](const auto& bytes) { into(t, bytes); });
}

void scatter_sum(void* member, Tensor part, Tensor whole, Stream) {
    CHECK(whole.size() == part.size() * int64_t(here(member).group->size()), "parts do not make up the whole");
    together(
        member, whole, [&](const ThreadGroup& g, int rank) { return g.sum_of(rank * part.size(), part.size()); },
        [&](const auto& bytes) { into(part, bytes); });
}

std::vector<char> bytes_of(const Tensor& t) {
    return {static_cast<const char*>(t.data), static_cast<const char*>(t.data) + t.bytes()};
}

void gather_parts(void* member, Tensor whole, Tensor part, Stream) {
    together(
        member, part,
        [&](const ThreadGroup& g, int) {
            std::vector<char> all;
            for (const Tensor& t : g.given) {
                const std::vector<char> bytes = bytes_of(t);
                all.insert(all.end(), bytes.begin(), bytes.end());
            }
            return all;
        },
        [&](const auto& bytes) { into(whole, bytes); });
}

void broadcast(void* member, Tensor t, int root, Stream) {
    together(
        member, t, [&](const ThreadGroup& g, int) { return bytes_of(g.given[size_t(root)]); },
        [&](const auto& bytes) { into(t, bytes); });
}

void send_receive(void* member, Tensor sent, int to, Tensor received, int from, Stream) {
    const auto [group, rank] = here(member);
    if (to >= 0) group->send(rank, to, bytes_of(sent));
    if (from >= 0) into(received, group->receive(from, rank));
}

void gather_texts(void* member, const std::string& mine, std::vector<std::string>& all) {
    const auto [group, rank] = here(member);
    group->texts[size_t(rank)] = mine;
    group->meet();
    all = group->texts;
    group->meet();
}

const CommTable& thread_table() {
    static const CommTable table = {
        .all_reduce_sum = sum,
        .all_reduce_max = [](void*, Tensor, Stream) { CHECK(false, "thread ranks do not support max"); },
        .reduce_scatter_sum = scatter_sum,
        .all_gather = gather_parts,
        .broadcast = broadcast,
        .send_receive = send_receive,
        .barrier = [](void* member) { here(member).group->meet(); },
        .gather = gather_texts,
        .set_step = [](void*, int64_t) {},
    };
    return table;
}

}  // namespace

ThreadRanks::ThreadRanks(const MeshSizes& sizes) {
    int count = 1;
    std::vector<int> everyone;
    for (const MeshAxis& axis : mesh_axes) count *= sizes.*axis.size;
    for (int rank = 0; rank < count; ++rank) everyone.push_back(rank);
    for (int rank = 0; rank < count; ++rank)
        meshes_.push_back(
            make_mesh(sizes, comm_of("world", everyone, rank),
                      [&](const char* axis, const std::vector<int>& ranks) { return comm_of(axis, ranks, rank); }));
}

ThreadRanks::~ThreadRanks() = default;

Comm ThreadRanks::comm_of(const std::string& axis, const std::vector<int>& ranks, int rank) {
    if (ranks.size() == 1) return {};
    ThreadGroup* group = nullptr;
    int number = 0;
    for (const auto& known : groups_) {
        if (known->axis != axis) continue;
        if (known->ranks == ranks) group = known.get();
        ++number;
    }
    if (!group) group = groups_.emplace_back(std::make_unique<ThreadGroup>(axis, ranks, number)).get();
    int place = 0;
    while (ranks[size_t(place)] != rank) ++place;
    members_.push_back(std::make_unique<Member>(Member{group, place}));
    return {.rank = place, .size = int(ranks.size()), .table = &thread_table(), .group = members_.back().get()};
}

void ThreadRanks::run(const std::function<void(const Mesh&)>& work) {
    std::exception_ptr first;
    std::mutex lock;
    std::vector<std::thread> threads;
    for (const Mesh& mesh : meshes_)
        threads.emplace_back([&] {
            try {
                work(mesh);
            } catch (const AnotherRankFailed&) {
            } catch (...) {
                std::lock_guard hold(lock);
                if (!first) first = std::current_exception();
                for (const auto& group : groups_) group->fail();
            }
        });
    for (std::thread& t : threads) t.join();
    if (first) std::rethrow_exception(first);
}

}  // namespace gradus::test
