#include "data/loader.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "data/permutation.h"
#include "engine/base/error.h"
#include "tokenizer/threads.h"

namespace gradus {

namespace {

enum Purpose : uint64_t { order_of_documents = 1, offset_of_windows = 2, order_of_windows = 3 };

constexpr int64_t group = 64;          // documents between two stored positions
constexpr int64_t groups_a_task = 64;  // of the threads that sum the lengths

}  // namespace

// The documents of one epoch in their order, concatenated.
struct Loader::Stream {
    int64_t epoch = 0;
    std::optional<Permutation> order;  // empty: that of the shards
    std::vector<int64_t> start;        // of documents 0, group, 2·group, …, then the length of the stream

    int64_t number(int64_t k) const { return order ? order->at(k) : k; }
};

struct Loader::Window {
    int32_t *tokens, *targets, *positions, *first_key;  // [T] each
};

Loader::Loader(const std::vector<std::filesystem::path>& prefixes, LoaderOptions options) : options_(options) {
    CHECK(options_.T > 0);
    first_document_.push_back(0);
    const Shard* first = nullptr;
    for (const auto& prefix : prefixes) {
        shards_.emplace_back(prefix);
        const Shard& shard = shards_.back();
        tokens_ += shard.tokens();
        first_document_.push_back(first_document_.back() + shard.documents());
    }
    for (const Shard& shard : shards_) {
        if (!shard.meta()) continue;
        if (!first) first = &shard;
        const ShardMeta &one = *first->meta(), &other = *shard.meta();
        if (one.vocab_size != other.vocab_size || one.end_of_text != other.end_of_text ||
            one.tokenizer_xxh64 != other.tokenizer_xxh64)
            throw Error(
                "'" + shard.prefix().string() + "' and '" + first->prefix().string() +
                    "' were made by different tokenizers",
                "their vocabularies have " + std::to_string(other.vocab_size) + " and " +
                    std::to_string(one.vocab_size) + " ids, and their tokenizer files are " + other.tokenizer_xxh64 +
                    " and " + one.tokenizer_xxh64,
                "make both with the same tokenizer: gradus data prepare DIR --out DIR --tokenizer tokenizer.json");
        vocab_size_ = one.vocab_size;
        end_of_text_ = one.end_of_text;
    }
    if (tokens_ == 0) {
        const std::string name = prefixes.empty() ? "no shard" : "'" + prefixes[0].string() + "'";
        throw Error("there are no tokens to load", name + " was given, which has no tokens",
                    "prepare some text: gradus data prepare INPUT --out DIR --tokenizer tokenizer.json");
    }
    length_ = tokens_ + (end_of_text_ ? 1 : 0);
    in_order_ = make_stream(false, 0);
}

Loader::~Loader() = default;

int64_t Loader::samples_per_epoch() const { return std::max<int64_t>(1, (length_ - options_.T) / options_.T); }

int64_t Loader::windows_in_order() const { return std::max<int64_t>(1, (length_ - 1 + options_.T - 1) / options_.T); }

Shard::Span Loader::document(int64_t number, const Shard*& shard) const {
    const auto next = std::upper_bound(first_document_.begin(), first_document_.end(), number);
    const size_t s = size_t(next - first_document_.begin()) - 1;
    shard = &shards_[s];
    return shard->document(number - first_document_[s]);
}

// All threads sum the lengths of the groups; then follows a prefix sum.
std::unique_ptr<Loader::Stream> Loader::make_stream(bool shuffled, int64_t epoch) const {
    auto stream = std::make_unique<Stream>();
    stream->epoch = epoch;
    const int64_t n = first_document_.back(), groups = (n + group - 1) / group;
    if (shuffled) stream->order.emplace(n, key_of(options_.seed, order_of_documents, epoch));
    std::vector<int64_t>& start = stream->start;
    start.assign(size_t(groups) + 1, 0);
    std::atomic<int64_t> next = 0;
    const int64_t tasks = (groups + groups_a_task - 1) / groups_a_task;
    const int threads = int(std::clamp<int64_t>(tasks, 1, std::max(1u, std::thread::hardware_concurrency())));
    run_in_threads(threads, [&](int) {
        for (int64_t task; (task = next++) < tasks;)
            for (int64_t k = task * groups_a_task * group; k < std::min(n, (task + 1) * groups_a_task * group); ++k) {
                const Shard* shard = nullptr;
                start[size_t(k / group) + 1] += document(stream->number(k), shard).length;
            }
    });
    start[0] = end_of_text_ ? 1 : 0;
    for (size_t g = 1; g < start.size(); ++g) start[g] += start[g - 1];
    return stream;
}

// Iterates over the documents of a stream.
class Loader::Cursor {
public:
    // Starts at the document that contains position `at` of the stream, or at the next one.
    Cursor(const Loader& loader, const Stream& stream, int64_t at) : loader_(loader), stream_(stream) {
        const auto after = std::upper_bound(stream.start.begin(), stream.start.end(), at);
        const int64_t g = std::max<int64_t>(after - stream.start.begin() - 1, 0);
        k_ = g * group;
        start = end = stream.start[size_t(g)];
        look();
        while (!at_end() && end <= at) step();
    }
    bool at_end() const { return k_ >= loader_.first_document_.back(); }
    void step() {
        ++k_;
        look();
    }

    int64_t start, end;  // of the document in the stream
    const Shard* shard = nullptr;
    Shard::Span span{};  // of the document in the shard

private:
    void look() {
        if (at_end()) return;
        span = loader_.document(stream_.number(k_), shard);
        start = end;
        end = start + span.length;
    }

    const Loader& loader_;
    const Stream& stream_;
    int64_t k_;
};

std::shared_ptr<const Loader::Stream> Loader::stream_of_epoch(int64_t epoch) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& stream : epochs_)
        if (stream->epoch == epoch) return stream;
    if (epochs_.size() == 2) epochs_.erase(epochs_.begin());
    epochs_.push_back(make_stream(true, epoch));
    return epochs_.back();
}

// Fills a window with the ids [from, from + T] of the stream.
void Loader::fill_window(const Stream& stream, int64_t from, const Window& out) const {
    const int64_t T = options_.T, inputs = std::clamp<int64_t>(length_ - from, 0, T);
    const int64_t targets = std::clamp<int64_t>(length_ - from - 1, 0, T);
    std::fill(out.tokens + inputs, out.tokens + T, end_of_text_.value_or(0));
    std::fill(out.targets, out.targets + T, -1);
    // first_key holds a mark where a segment begins, until the last loop converts marks to positions.
    constexpr int32_t at_end_of_text = 1, at_first_id = 2;
    std::fill(out.first_key, out.first_key + T, 0);
    bool last_target_is_elsewhere = false;  // in a document that begins right after the window's inputs

    auto put = [&](int64_t i, int64_t count, const int32_t* ids) {  // ids i … of the stream, into both outputs
        for (int64_t k = 0; k < count; ++k) {
            const int64_t t = i + k - from;
            if (t < inputs) out.tokens[t] = ids[k];
            if (t >= 1 && t - 1 < targets) out.targets[t - 1] = ids[k];
        }
    };
    thread_local std::vector<int32_t> ids;
    const int64_t to = std::min(length_, from + T + 1);
    if (end_of_text_ && from == 0) {
        put(0, 1, &*end_of_text_);
        out.first_key[0] = at_end_of_text;
    }
    for (Cursor cursor(*this, stream, from); !cursor.at_end() && cursor.start < to; cursor.step()) {
        const int64_t start = cursor.start, end = cursor.end;
        if (start == end) continue;
        const Shard* const shard = cursor.shard;
        const Shard::Span span = cursor.span;
        const int64_t a = std::max(start, from), b = std::min(end, to);
        if (a < b) {
            ids.resize(size_t(b - a));
            shard->copy(span.begin + (a - start), b - a, ids.data());
            put(a, b - a, ids.data());
        }
        const bool closed = end_of_text_ && shard->id(span.begin + span.length - 1) == *end_of_text_;
        const int64_t opener = (closed ? end - 1 : end) - from;  // first input of the next document
        if (opener >= 0 && opener < inputs) out.first_key[opener] = closed ? at_end_of_text : at_first_id;
        last_target_is_elsewhere = last_target_is_elsewhere || (!closed && opener == T);
    }
    int32_t first = 0;
    if (options_.packing == Packing::masked && last_target_is_elsewhere) out.targets[T - 1] = -1;
    for (int32_t t = 0; t < T; ++t) {
        const int32_t mark = out.first_key[t];
        if (options_.packing == Packing::masked) {
            if (mark != 0 || t == inputs) first = t;
            if (mark == at_first_id && t > 0) out.targets[t - 1] = -1;
        }
        out.first_key[t] = first;
        out.positions[t] = t - first;
    }
}

void Loader::fill(int64_t first_sample, int count, int32_t* tokens, int32_t* targets, int32_t* positions,
                  int32_t* first_key) const {
    CHECK(first_sample >= 0 && count >= 0);
    const int64_t per_epoch = samples_per_epoch(), T = options_.T;
    std::shared_ptr<const Stream> stream;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t epoch = (first_sample + i) / per_epoch, index = (first_sample + i) % per_epoch;
        if (!stream || stream->epoch != epoch) stream = stream_of_epoch(epoch);
        const int64_t offsets = std::clamp<int64_t>(length_ - per_epoch * T, 1, T);
        const Philox random{key_of(options_.seed, offset_of_windows, epoch)};
        const int64_t offset = int64_t(random.bits(0) % uint64_t(offsets));
        const Permutation order(per_epoch, key_of(options_.seed, order_of_windows, epoch));
        fill_window(*stream, offset + order.at(index) * T,
                    {tokens + i * T, targets + i * T, positions + i * T, first_key + i * T});
    }
}

void Loader::fill_in_order(int64_t first_window, int count, int32_t* tokens, int32_t* targets, int32_t* positions,
                           int32_t* first_key) const {
    CHECK(first_window >= 0 && count >= 0);
    const int64_t T = options_.T;
    for (int64_t i = 0; i < count; ++i)
        fill_window(*in_order_, (first_window + i) * T,
                    {tokens + i * T, targets + i * T, positions + i * T, first_key + i * T});
}

}  // namespace gradus
