#include "align/samples/sample_rows.h"

#include <algorithm>
#include <cmath>

#include "align/samples/packing.h"
#include "data/permutation.h"
#include "engine/base/error.h"
#include "engine/base/philox.h"

namespace gradus {

namespace {

enum RowPurpose : uint64_t { order_of_samples = 1, order_of_rows = 2, turn_of_samples = 3 };

}  // namespace

struct SampleRows::Epoch {
    int64_t number = 0;
    std::vector<Place> places;
    std::vector<std::vector<int32_t>> rows;  // indices of places
};

SampleRows::SampleRows(std::vector<Samples> files, SampleRowsOptions options)
    : files_(std::move(files)), options_(std::move(options)) {
    CHECK(options_.context > 0 && options_.other_share >= 0 && options_.other_share < 1);
    CHECK(options_.other_share == 0 || options_.other);
    for (const Samples& s : files_) {
        if (!(s.weight >= 0.001 && s.weight <= 1000))
            throw Error("a data set cannot have the weight " + std::to_string(s.weight),
                        "it is the number of times that each of its examples is in an epoch",
                        "give a weight between 0.001 and 1000");
        for (int64_t i = 0; i < s.size(); ++i) CHECK(s.inputs(i) > 0 && s.inputs(i) <= options_.context);
    }
}

SampleRows::~SampleRows() = default;

std::vector<SampleRows::Place> SampleRows::places_of(int64_t epoch) const {
    std::vector<Place> places;
    for (size_t f = 0; f < files_.size(); ++f) {
        const Samples& s = files_[f];
        const Permutation turn(s.size(), key_of(options_.seed, turn_of_samples, f));
        for (int64_t i = 0; i < s.size(); ++i) {
            const double u = options_.in_order ? 0 : (double(turn.at(i)) + 0.5) / double(s.size());
            const double weight = options_.in_order ? 1 : s.weight;
            const auto copies =
                int64_t(std::floor(weight * double(epoch + 1) + u) - std::floor(weight * double(epoch) + u));
            for (int64_t copy = 0; copy < copies; ++copy) places.push_back({int32_t(f), i});
        }
    }
    if (options_.in_order || places.empty()) return places;
    const Permutation order(int64_t(places.size()), key_of(options_.seed, order_of_samples, epoch));
    std::vector<Place> shuffled(places.size());
    for (size_t i = 0; i < places.size(); ++i) shuffled[i] = places[size_t(order.at(int64_t(i)))];
    return shuffled;
}

std::shared_ptr<const SampleRows::Epoch> SampleRows::make_epoch(int64_t number) const {
    auto epoch = std::make_shared<Epoch>();
    epoch->number = number;
    epoch->places = places_of(number);
    std::vector<int32_t> lengths;
    for (const Place& p : epoch->places) lengths.push_back(int32_t(files_[size_t(p.file)].inputs(p.sample)));
    epoch->rows = pack_best_fit(lengths, options_.context);
    if (options_.in_order || epoch->rows.empty()) return epoch;
    const Permutation order(int64_t(epoch->rows.size()), key_of(options_.seed, order_of_rows, number));
    std::vector<std::vector<int32_t>> shuffled;
    for (size_t r = 0; r < epoch->rows.size(); ++r) shuffled.push_back(epoch->rows[size_t(order.at(int64_t(r)))]);
    epoch->rows = std::move(shuffled);
    return epoch;
}

std::shared_ptr<const SampleRows::Epoch> SampleRows::epoch_at(int64_t number) const {
    for (const auto& epoch : recent_)
        if (epoch->number == number) return epoch;
    if (recent_.size() == 2) recent_.erase(recent_.begin());
    recent_.push_back(make_epoch(number));
    return recent_.back();
}

int64_t SampleRows::first_row_of(int64_t number) const {
    while (int64_t(first_row_.size()) <= number)
        first_row_.push_back(first_row_.back() + int64_t(epoch_at(int64_t(first_row_.size()) - 1)->rows.size()));
    return first_row_[size_t(number)];
}

int64_t SampleRows::of_other(int64_t rows) const { return int64_t(std::floor(double(rows) * options_.other_share)); }

int64_t SampleRows::rows_of_epoch(int64_t epoch) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return first_row_of(epoch + 1) - first_row_of(epoch);
}

int64_t SampleRows::rows_of_epochs(int64_t epochs) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const int64_t own = first_row_of(epochs);
    int64_t rows = own + int64_t(double(own) * options_.other_share / (1 - options_.other_share));
    while (rows - of_other(rows) < own) ++rows;
    return rows;
}

NextBatch SampleRows::next_batch() const {
    return [this](int64_t first_row, HostBatch& batch) { fill(first_row, batch); };
}

void SampleRows::fill(int64_t first_row, HostBatch& batch) const {
    CHECK(first_row >= 0 && batch.T == options_.context);
    batch.clear();
    for (int b = 0; b < batch.B; ++b) {
        const int64_t row = first_row + b, others = of_other(row);
        if (of_other(row + 1) == others) {
            fill_row(row - others, batch, b);
            continue;
        }
        HostBatch one(1, batch.T);
        options_.other(others, one);
        for (auto column : {&HostBatch::tokens, &HostBatch::targets, &HostBatch::positions, &HostBatch::first_key})
            std::copy((one.*column).begin(), (one.*column).end(), (batch.*column).begin() + int64_t(b) * batch.T);
    }
}

void SampleRows::fill_row(int64_t row, HostBatch& batch, int b) const {
    std::shared_ptr<const Epoch> epoch;
    int64_t first = 0;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        int64_t number = 0;
        if (!options_.in_order) {
            while (first_row_.back() <= row) first_row_of(int64_t(first_row_.size()));
            number = std::upper_bound(first_row_.begin(), first_row_.end(), row) - first_row_.begin() - 1;
        }
        first = first_row_of(number);
        epoch = epoch_at(number);
    }
    const int64_t begin = int64_t(b) * batch.T;
    int64_t t = begin;
    if (row - first < int64_t(epoch->rows.size()))
        for (const int32_t index : epoch->rows[size_t(row - first)]) {
            const Place place = epoch->places[size_t(index)];
            const Samples& s = files_[size_t(place.file)];
            const int64_t from = s.start[size_t(place.sample)], inputs = s.inputs(place.sample), segment = t;
            for (int64_t i = from; i < from + inputs; ++i, ++t) {
                batch.tokens[size_t(t)] = s.ids[size_t(i)];
                batch.targets[size_t(t)] = s.learnt[size_t(i) + 1] ? s.ids[size_t(i) + 1] : -1;
                batch.positions[size_t(t)] = int32_t(t - segment);
                batch.first_key[size_t(t)] = int32_t(segment - begin);
            }
        }
    for (const int64_t padding = t; t < begin + batch.T; ++t) {
        batch.tokens[size_t(t)] = options_.padding;
        batch.positions[size_t(t)] = int32_t(t - padding);
        batch.first_key[size_t(t)] = int32_t(padding - begin);
    }
}

}  // namespace gradus
