// The mapping as a difference from the code point, which few distinct values express.
#include "tokenizer/unicode/lower_case.h"

#include "engine/base/error.h"
#include "tokenizer/unicode/code_point_table.h"

namespace gradus {

namespace {

struct LowerCaseTable {
    char32_t with_two = 0, second_of_two = 0;  // the only code point that becomes two; set by `differences`
    CodePointTable<int32_t> difference;

    LowerCaseTable() : difference(differences()) {}

    std::vector<int32_t> differences() {
        std::vector<int32_t> values(code_point_count, 0);
        char32_t code = 0;
        const unicode_tables::Numbers<uint32_t>& all = unicode_tables::lower_case_mappings;
        for (const uint32_t* at = all.begin(); at < all.end(); at += 2 + at[1]) {
            code += at[0];
            values[code] = int32_t(at[2]) - int32_t(code);
            if (at[1] == 1) continue;
            CHECK(at[1] == 2 && with_two == 0);
            with_two = code;
            second_of_two = at[3];
        }
        return values;
    }
};

}  // namespace

LowerCase lower_case(char32_t code) {
    static const LowerCaseTable table;
    if (code >= code_point_count) return {code, 0};
    return {char32_t(int32_t(code) + table.difference[code]), code == table.with_two ? table.second_of_two : 0};
}

}  // namespace gradus
