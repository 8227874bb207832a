// Tests of hosted.h itself, with backends that are wrong on purpose.
#include "kernels/attention.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/muon.h"
#include "kernels/optimizer.h"
#include "kernels/rope.h"
#include "tests/kernels/table/compare.h"
#include "tests/kernels/table/fields.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// The reference with one op replaced; the destructor hosts the backend under test again.
struct Device {
    Ops table = reference_ops();
    Device() = default;
    ~Device() { hosted(tested().device); }
    const Ops& ops() const { return hosted(table); }
};

template <class Args>
int fields_in(const Args& args) {
    return with(args, [](const auto&... field) { return int(sizeof...(field)); });
}

}  // namespace

TEST_CASE("every field of an op's arguments is visited") {
    const Owned t(DType::f32, {1, 1});
    REQUIRE(fields_in(Cast{.y = t, .x = t}) == 2);
    REQUIRE(fields_in(Rope{.x = t, .positions = t, .rope_table = t, .heads = 1, .D = 2}) == 6);
    REQUIRE(fields_in(AttentionBackward{.d_q = t,
                                        .d_k = t,
                                        .d_v = t,
                                        .delta = t,
                                        .d_y = t,
                                        .q = t,
                                        .k = t,
                                        .v = t,
                                        .y = t,
                                        .lse = t,
                                        .lo = t,
                                        .hi = t,
                                        .B = 1,
                                        .Tq = 1,
                                        .Tk = 1,
                                        .H = 1,
                                        .G = 1,
                                        .D = 1,
                                        .scale = 1}) == 22);
    const StepValues values;
    REQUIRE(fields_in(Muon{.workspace = t, .step_values = &values, .beta = 0, .decay = 0}) == 6);
    REQUIRE(fields_in(AdamW{.master = t,
                            .m = t,
                            .v = t,
                            .grad = t,
                            .step_values = &values,
                            .beta1 = 0,
                            .beta2 = 0,
                            .eps = 1,
                            .decay = 0}) == 13);
}

TEST_CASE("an op that does not write its output leaves NaN there") {
    Device device;
    device.table.add = [](const Add&, Stream) {};
    const Owned a = filled(DType::f32, {3}, 1), b = filled(DType::f32, {3}, 2), y = filled(DType::f32, {3}, 3);
    device.ops().add({.y = y, .a = a, .b = b}, {});
    for (int64_t i = 0; i < 3; ++i) REQUIRE(std::isnan(at(y, i)));
}

TEST_CASE("an op that changes an input is detected") {
    Device device;
    device.table.add = [](const Add& x, Stream) { put(Tensor(x.b), 2, 7); };
    const Owned a = filled(DType::f32, {3}, 1), b = filled(DType::f32, {3}, 2), y = filled(DType::f32, {3}, 3);
    REQUIRE_THROWS_AS(device.ops().add({.y = y, .a = a, .b = b}, {}), InternalError);
    REQUIRE(at(b, 2) == 2);
}

TEST_CASE("tensors that share memory share it on the device, and others have separate memory") {
    Device device;
    static Add seen = {.y = Tensor(), .a = Tensor(), .b = Tensor()};
    device.table.add = [](const Add& x, Stream s) {
        seen = x;
        reference_ops().add(x, s);
    };
    const Owned all = filled(DType::f32, {6}, 1);
    const Tensor front = all.part(0, 3), back = all.part(3, 3);
    device.ops().add({.y = front, .a = front, .b = back}, {});
    REQUIRE(seen.y.data == seen.a.data);
    REQUIRE(seen.b.data != seen.y.as<char>() + front.bytes());
    for (int64_t i = 0; i < 6; ++i) REQUIRE(at(all, i) == (i < 3 ? 2 : 1));
    const auto place = [](const Tensor& t) { return reinterpret_cast<uintptr_t>(t.data) % 64; };
    REQUIRE(place(seen.y) == 0);
    REQUIRE(place(seen.b) == 12);
    const Shifted each;
    device.ops().add({.y = front, .a = front, .b = back}, {});
    REQUIRE(place(seen.y) == 4);
    REQUIRE(place(seen.b) == 16);
}

TEST_CASE("values that an op reads through a pointer are in device memory, too") {
    Device device;
    static const uint64_t* seen = nullptr;
    static uint64_t read = 0;
    device.table.dropout = [](const Dropout& x, Stream) {
        seen = x.key;
        read = *x.key;
    };
    const Owned x = filled(DType::f32, {1, 3}, 1), y = filled(DType::f32, {1, 3}, 2);
    const uint64_t key = 0x123456789abcdef;
    device.ops().dropout({.y = y, .x = x, .p = 0.5, .key = &key, .first_row = 0}, {});
    REQUIRE(read == key);
    REQUIRE(seen != &key);
}
