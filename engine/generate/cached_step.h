#pragma once
// One call of Model::cached() after another: rows are gathered on the host, sent to the device in one piece, and the
// logits that were asked for come back as f32.
//
//   step.begin();
//   step.add({.token = 15496, .sequence = 0, .position = 0});
//   int row = step.add_wanted({.token = 11, .sequence = 0, .position = 1});
//   step.run();
//   step.logits(row) …                                                       the token at position 2
#include <span>
#include <vector>

#include "engine/models/model.h"

namespace gradus {

class CachedStep {
public:
    struct Row {
        int32_t token, sequence, position;
    };

    // Makes the model's cache: S sequences of at most P positions, at most `rows` rows in a step, S of them wanted.
    CachedStep(Model&, int S, int P, int rows);

    void begin();
    void add(const Row&);
    int add_wanted(const Row&);  // the number under which its logits are found
    void run();

    std::span<float> logits(int wanted);              // [V], to be changed as the caller likes, until the next run()
    Tensor device_logits() const { return logits_; }  // [S,V]

    size_t bytes() const { return arena_.bytes() + cache_bytes_; }  // on the device
    size_t host_bytes() const;

private:
    Model& model_;
    Arena arena_;
    size_t cache_bytes_ = 0;
    Tensor columns_, logits_;  // [5·rows] i32, [S,V]
    std::vector<Row> rows_;
    std::vector<int32_t> wanted_, columns_host_;
    std::vector<std::byte> raw_;  // logits as the device has them
    std::vector<float> logits_host_;
};

}  // namespace gradus
