// The trie against a map.
#include <map>

#include "tests/tokenizer/goldens.h"
#include "tokenizer/models/double_array.h"

using namespace gradus;

TEST_CASE("a double array finds what it was made of, and nothing else") {
    Numbers numbers(11);
    for (int round = 0; round < 30; ++round) {
        std::vector<std::string> keys;
        const size_t letters = round % 3 == 0 ? 2 : 256;
        for (size_t i = numbers.below(2000); i > 0; --i) {
            std::string key = numbers.bytes(numbers.below(12));
            for (char& byte : key) byte = char(uint8_t(byte) % letters);
            keys.push_back(key);
        }
        std::vector<DoubleArray::Entry> entries;
        std::map<std::string, int32_t> map;
        for (size_t i = 0; i < keys.size(); ++i) {
            entries.push_back({keys[i], int32_t(i)});
            if (!keys[i].empty()) map[keys[i]] = int32_t(i);
        }
        const DoubleArray array(entries);
        for (std::string key : keys) {
            REQUIRE(array.find(key) == (map.count(key) ? map[key] : -1));
            key += char(numbers.below(letters));
            REQUIRE(array.find(key) == (map.count(key) ? map[key] : -1));
        }
    }
    REQUIRE(DoubleArray().find("a") == -1);
    REQUIRE(DoubleArray().find("") == -1);
}
