#include "data/loader.h"

#include <algorithm>

#include "data/permutation.h"
#include "engine/base/error.h"

namespace gradus {

namespace {

enum Purpose : uint64_t { order_of_documents = 1, offset_of_windows = 2, order_of_windows = 3 };

}  // namespace

// The documents of one epoch in their order. Document k of the stream is ids [start[k], start[k + 1]) of it.
struct Loader::Stream {
    int64_t epoch = 0;
    std::vector<int64_t> documents;  // empty: in the order of the shards
    std::vector<int64_t> start;

    int64_t number(size_t k) const { return documents.empty() ? int64_t(k) : documents[k]; }
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
            throw Error("'" + shard.prefix().string() + "' and '" + first->prefix().string() +
                            "' were made by different tokenizers",
                        "their vocabularies have " + std::to_string(other.vocab_size) + " and " +
                            std::to_string(one.vocab_size) + " ids, and their tokenizer files are " +
                            other.tokenizer_xxh64 + " and " + one.tokenizer_xxh64,
                        "make both with one tokenizer: gradus data prepare DIR --out DIR --tokenizer tokenizer.json");
        vocab_size_ = one.vocab_size;
        end_of_text_ = one.end_of_text;
    }
    if (tokens_ == 0) {
        const std::string name = prefixes.empty() ? "no shard" : "'" + prefixes[0].string() + "'";
        throw Error("there are no tokens to load", name + " is what was given, and it holds none",
                    "prepare some text: gradus data prepare INPUT --out DIR --tokenizer tokenizer.json");
    }
    length_ = tokens_ + (end_of_text_ ? 1 : 0);
    in_order_ = make_stream(false, 0);
}

Loader::~Loader() = default;

int64_t Loader::bytes() const {
    int64_t sum = 0;
    for (const Shard& shard : shards_) {
        if (!shard.meta()) return 0;
        sum += shard.meta()->bytes;
    }
    return sum;
}

int64_t Loader::samples_per_epoch() const { return std::max<int64_t>(1, (length_ - options_.T) / options_.T); }

int64_t Loader::windows_in_order() const { return std::max<int64_t>(1, (length_ - 1 + options_.T - 1) / options_.T); }

Shard::Span Loader::document(int64_t number, const Shard*& shard) const {
    const auto next = std::upper_bound(first_document_.begin(), first_document_.end(), number);
    const size_t s = size_t(next - first_document_.begin()) - 1;
    shard = &shards_[s];
    return shard->document(number - first_document_[s]);
}

std::unique_ptr<Loader::Stream> Loader::make_stream(bool shuffled, int64_t epoch) const {
    auto stream = std::make_unique<Stream>();
    stream->epoch = epoch;
    const int64_t n = first_document_.back();
    const Permutation order(n, key_of(options_.seed, order_of_documents, epoch));
    int64_t at = end_of_text_ ? 1 : 0;
    stream->start.reserve(size_t(n) + 1);
    if (shuffled) stream->documents.reserve(size_t(n));
    for (int64_t k = 0; k < n; ++k) {
        const int64_t number = shuffled ? order.at(k) : k;
        const Shard* shard = nullptr;
        if (shuffled) stream->documents.push_back(number);
        stream->start.push_back(at);
        at += document(number, shard).length;
    }
    stream->start.push_back(at);
    return stream;
}

std::shared_ptr<const Loader::Stream> Loader::stream_of_epoch(int64_t epoch) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& stream : epochs_)
        if (stream->epoch == epoch) return stream;
    if (epochs_.size() == 2) epochs_.erase(epochs_.begin());
    epochs_.push_back(make_stream(true, epoch));
    return epochs_.back();
}

// The window of ids [from, from + T] of the stream.
void Loader::fill_window(const Stream& stream, int64_t from, const Window& out) const {
    const int64_t T = options_.T, inputs = std::clamp<int64_t>(length_ - from, 0, T);
    const int64_t targets = std::clamp<int64_t>(length_ - from - 1, 0, T);
    std::fill(out.tokens + inputs, out.tokens + T, end_of_text_.value_or(0));
    std::fill(out.targets, out.targets + T, -1);
    // Where segments begin: first_key holds a mark there until the last loop turns marks into places.
    constexpr int32_t at_end_of_text = 1, at_first_id = 2;
    std::fill(out.first_key, out.first_key + T, 0);
    bool last_target_is_elsewhere = false;  // in a document that begins right behind the window's inputs

    auto put = [&](int64_t i, int64_t count, const int32_t* ids) {  // ids i … of the stream, to both outputs
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
    size_t k = size_t(std::upper_bound(stream.start.begin(), stream.start.end(), from) - stream.start.begin());
    for (k = k > 0 ? k - 1 : 0; k + 1 < stream.start.size() && stream.start[k] < to; ++k) {
        const int64_t start = stream.start[k], end = stream.start[k + 1];
        if (start == end) continue;
        const Shard* shard = nullptr;
        const Shard::Span span = document(stream.number(k), shard);
        const int64_t a = std::max(start, from), b = std::min(end, to);
        if (a < b) {
            ids.resize(size_t(b - a));
            shard->copy(span.begin + (a - start), b - a, ids.data());
            put(a, b - a, ids.data());
        }
        const bool closed = end_of_text_ && shard->id(span.begin + span.length - 1) == *end_of_text_;
        const int64_t opener = (closed ? end - 1 : end) - from;  // opens the document behind this one
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
