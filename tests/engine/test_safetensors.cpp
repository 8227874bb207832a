// safetensors files and their values: written files are read back, and damaged or inconsistent ones are refused.
#include <cmath>
#include <random>

#include "engine/checkpoint/elements.h"
#include "engine/checkpoint/safetensors.h"
#include "tests/engine/checkpoint_testing.h"

#include <catch2/catch.hpp>

using namespace gradus;
using namespace gradus::testing;

namespace {

std::string bytes_of(const SafetensorsFile::Entry& e) { return {reinterpret_cast<const char*>(e.data), e.bytes}; }

// A file with that header, followed by `bytes` bytes.
std::string file_of(const std::string& header, size_t data_bytes) {
    std::string file(8, '\0');
    for (size_t i = 0; i < 8; ++i) file[i] = char(header.size() >> (8 * i) & 0xff);
    return file + header + std::string(data_bytes, 'x');
}

void write_sample(const fs::path& folder) {
    SafetensorsWriter file(folder, "sample.safetensors",
                           {{"a", "F32", {2, 3}}, {"b", "BF16", {5}}, {"c.ü", "F64", {}}});
    for (int i = 0; i < 42; ++i) file.write(std::string(1, char('A' + i)).data(), 1);
    file.commit();
}

}  // namespace

TEST_CASE("names, dtypes, shapes and bytes of a safetensors file are read as written") {
    const TemporaryFolder folder;
    write_sample(folder.path());
    const SafetensorsFile file(folder / "sample.safetensors");
    REQUIRE(file.entries().size() == 3);
    const auto *a = file.find("a"), *b = file.find("b"), *c = file.find("c.ü");
    REQUIRE((a && b && c));
    REQUIRE(a->dtype == "F32");
    REQUIRE(a->shape == std::vector<int64_t>{2, 3});
    REQUIRE(bytes_of(*a) == "ABCDEFGHIJKLMNOPQRSTUVWX");
    REQUIRE(b->dtype == "BF16");
    REQUIRE(bytes_of(*b) == "YZ[\\]^_`ab");
    REQUIRE(c->shape.empty());
    REQUIRE(bytes_of(*c) == "cdefghij");
    REQUIRE(file.find("d") == nullptr);
}

TEST_CASE("a written header begins with the metadata that transformers requires, and the data is aligned") {
    const TemporaryFolder folder;
    write_sample(folder.path());
    const std::string text = read_file(folder / "sample.safetensors");
    REQUIRE(says(
        text,
        "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"));
    REQUIRE((text.size() - 42) % 8 == 0);
}

TEST_CASE("a writer returns the checksum and size of the file on the disk") {
    const TemporaryFolder folder;
    SafetensorsWriter file(folder.path(), "x", {{"a", "U8", {3}}});
    file.write("abc", 3);
    const StoredFile written = file.commit();
    const std::string text = read_file(folder / "x");
    REQUIRE(written.bytes == text.size());
    REQUIRE(written.checksum == checksum_of(text));
}

TEST_CASE("writing fewer or more bytes than declared is an InternalError") {
    const TemporaryFolder folder;
    SafetensorsWriter file(folder.path(), "x", {{"a", "U8", {3}}});
    file.write("ab", 2);
    REQUIRE_THROWS_AS(file.commit(), InternalError);
    REQUIRE_THROWS_AS(file.write("cd", 2), InternalError);
    REQUIRE_FALSE(fs::exists(folder / "x"));
}

TEST_CASE("empty tensors, files without tensors and all dtypes are well-formed") {
    const TemporaryFolder folder;
    for (const auto& [header, bytes] :
         {std::pair<std::string, size_t>{"{}", 0},
          {"{}   ", 0},
          {R"({"a":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]}})", 0},
          {R"({"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]},
                                             "e":{"dtype":"F32","shape":[0],"data_offsets":[3,3]},
                                             "a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[3,4]}})",
           4},
          {R"({"__metadata__":{"format":"pt"},"s":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})", 8}}) {
        write_file_atomically(folder / "x", file_of(header, bytes));
        INFO(header);
        REQUIRE(refusal([&] { SafetensorsFile file(folder / "x"); }) == "");
    }
}

TEST_CASE("an inconsistent header is refused with the file and the reason") {
    struct Lie {
        std::string header;
        size_t bytes;
        const char* named;
    };
    const std::string deep = std::string(200000, '[') + std::string(200000, ']');
    const Lie lies[] = {
        {"", 0, "line 1"},
        {"null", 0, "not a JSON object"},
        {"[]", 0, "not a JSON object"},
        {"{", 0, "line 1, column 2"},
        {"{}{}", 0, "line 1, column 3"},
        {"{} x", 0, "line 1"},
        {"{\"\xff\":1}", 0, "line 1"},
        {R"({"a":)" + deep + "}", 0, "nested deeper"},
        {R"({"a":1})", 0, "'a' is not described by an object"},
        {R"({"a":{}})", 0, "'a' has no \"dtype\""},
        {R"({"a":{"dtype":"F32","shape":[1]}})", 4, "no \"data_offsets\""},
        {R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})", 4, "dtype of tensor 'a' is not a string"},
        {R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4, "unknown dtype 'F33'"},
        {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4, "shape of tensor 'a' is not a list"},
        {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "not a count: '-1'"},
        {R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4, "not a count"},
        {R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", 4, "not a count"},
        {R"({"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}})", 4, "number"},
        {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", 4, "not a count"},
        {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0, "does not take the 0 bytes"},
        {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,4]}})", 4,
         "does not take the 4 bytes"},
        {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "F32 [2], does not take the 4 bytes"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "not [begin, end]"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "not [begin, end]"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4, "not [begin, end]"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "not a count"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775804,9223372036854775808]}})", 4,
         "not a count"},
        {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4, "cut short: tensor 'a' ends at byte 8"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5, "bytes at its end belong to no tensor"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})", 5, "bytes before tensor 'a'"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
         6, "overlap"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
         4, "overlap"},
        {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
         8, "'a' twice"},
        {R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, "'dtype' twice"},
    };
    const TemporaryFolder folder;
    for (const Lie& lie : lies) {
        write_file_atomically(folder / "lie.safetensors", file_of(lie.header, lie.bytes));
        const std::string text = refusal([&] { SafetensorsFile file(folder / "lie.safetensors"); });
        INFO(lie.header.substr(0, 200) << "\n" << text);
        REQUIRE(says(text, "lie.safetensors"));
        REQUIRE(says(text, lie.named));
        REQUIRE(text.size() < 1000);
    }
}

TEST_CASE("a header longer than the file or than 100 MB is refused before anything is read") {
    const TemporaryFolder folder;
    for (const auto& [length, named] : {std::pair<uint64_t, const char*>{~0ull, "the limit is 100000000"},
                                        {100'000'001, "the limit is 100000000"},
                                        {1ull << 63, "the limit is"},
                                        {3, "but only 2 bytes follow"}}) {
        std::string file(8, '\0');
        for (size_t i = 0; i < 8; ++i) file[i] = char(length >> (8 * i) & 0xff);
        write_file_atomically(folder / "x", file + "{}");
        REQUIRE(says(refusal([&] { SafetensorsFile read(folder / "x"); }), named));
    }
}

TEST_CASE("a safetensors file cut at any length is refused") {
    const TemporaryFolder folder;
    write_sample(folder.path());
    const std::string whole = read_file(folder / "sample.safetensors");
    for (size_t length = 0; length < whole.size(); ++length) {
        write_file_atomically(folder / "cut", std::string_view(whole).substr(0, length));
        INFO("cut to " << length << " of " << whole.size());
        REQUIRE(refusal([&] { SafetensorsFile file(folder / "cut"); }) != "");
    }
}

TEST_CASE("a safetensors file with any changed bytes gives an Error or tensors within the file") {
    const TemporaryFolder folder;
    write_sample(folder.path());
    const std::string whole = read_file(folder / "sample.safetensors");
    std::mt19937 random(20);
    int refused = 0;
    for (int round = 0; round < 1500; ++round) {
        std::string damaged = whole;
        for (unsigned n = 1 + random() % 4; n > 0; --n) {
            const size_t at = random() % (whole.size() - 42);
            switch (random() % 4) {
                case 0: damaged[at % damaged.size()] = char(random()); break;
                case 1: damaged[at % damaged.size()] = "{}[]\",:0123456789-e."[random() % 20]; break;
                case 2: damaged.erase(at % damaged.size(), 1 + random() % 3); break;
                case 3:
                    damaged.insert(at % damaged.size(), damaged.substr(random() % damaged.size(), 1 + random() % 8));
                    break;
            }
        }
        {
            std::FILE* file = std::fopen((folder / "x").c_str(), "wb");
            std::fwrite(damaged.data(), 1, damaged.size(), file);
            std::fclose(file);
        }
        size_t total = 0;
        const std::string text = refusal([&] {
            const SafetensorsFile file(folder / "x");
            for (const auto& e : file.entries()) {
                for (size_t i = 0; i < e.bytes; ++i) total += uint8_t(e.data[i]) != 0xff;
                REQUIRE(stored_size(e.dtype).has_value());
            }
        });
        REQUIRE(total <= damaged.size());
        refused += !text.empty();
    }
    REQUIRE(refused > 1000);
}

TEST_CASE("every half-precision number is read exactly") {
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        const auto stored = uint16_t(bits);
        const int exponent = stored >> 10 & 31, fraction = stored & 1023;
        double expected = exponent == 31 ? INFINITY
                          : exponent     ? std::ldexp(1024 + fraction, exponent - 25)
                                         : std::ldexp(fraction, -24);
        if (stored >> 15) expected = -expected;
        double read = 0;
        copy_elements({reinterpret_cast<std::byte*>(&read), Element::f64, 1, 1},
                      {reinterpret_cast<const std::byte*>(&stored), Element::f16, 1, 1}, 1, 1);
        if (exponent == 31 && fraction != 0) REQUIRE(std::isnan(read));
        else REQUIRE((read == expected && std::signbit(read) == std::signbit(expected)));
    }
}

TEST_CASE("copying to bf16 rounds to nearest, ties to even, and copying back is exact") {
    const float values[] = {1.0f, 1.00390625f, 1.01171875f, -1.00390625f, 3.3895314e38f, 0x1p-133f, -0.0f};
    const float expected[] = {1.0f, 1.0f, 1.015625f, -1.0f, 3.3895314e38f, 0x1p-133f, -0.0f};
    uint16_t stored[7];
    float back[7];
    copy_elements({reinterpret_cast<std::byte*>(stored), Element::bf16, 7, 1},
                  {reinterpret_cast<const std::byte*>(values), Element::f32, 7, 1}, 1, 7);
    copy_elements({reinterpret_cast<std::byte*>(back), Element::f32, 7, 1},
                  {reinterpret_cast<const std::byte*>(stored), Element::bf16, 7, 1}, 1, 7);
    for (int i = 0; i < 7; ++i) REQUIRE(std::bit_cast<uint32_t>(back[i]) == std::bit_cast<uint32_t>(expected[i]));
}

TEST_CASE("a matrix copied with swapped strides is transposed") {
    const float matrix[6] = {1, 2, 3, 4, 5, 6};  // [2,3]
    double turned[6];
    const auto* from = reinterpret_cast<const std::byte*>(matrix);
    auto* to = reinterpret_cast<std::byte*>(turned);
    copy_elements({to, Element::f64, 2, 1}, {from, Element::f32, 1, 3}, 3, 2);
    REQUIRE(std::vector<double>(turned, turned + 6) == std::vector<double>{1, 4, 2, 5, 3, 6});
    copy_elements({to, Element::f64, 1, 2}, {from, Element::f32, 3, 1}, 2, 3);
    REQUIRE(std::vector<double>(turned, turned + 6) == std::vector<double>{1, 4, 2, 5, 3, 6});
}
