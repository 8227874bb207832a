#include "tools/bench/model/table.h"

#include <fmt/format.h>

#include <iterator>

#include "tools/bench/model/peers.h"

namespace gradus {

namespace {

double unit_of(const Published& row) { return row.unit == "TFLOP/s" ? 1e12 : row.unit == "GB/s" ? 1e9 : 1; }

}  // namespace

std::string model_table() {
    std::string text;
    const auto line = std::back_inserter(text);
    const ModelConstants c;
    fmt::format_to(
        line,
        "Constants: serial {:.2f}, fill {:.1f} us, DRAM share {:.2f}, launch {:.1f} us. Median error of the rows that "
        "they were fitted "
        "to {:.1f} %, of the others {:.1f} %.\n\n",
        c.serial, c.fill_us, c.dram_share, c.launch_us, 100 * median_error(true), 100 * median_error(false));
    fmt::format_to(line,
                   "| kernel | shape | card | unit | published | modelled | error | limit | fitted | source "
                   "|\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (const Published& row : published()) {
        const Modelled m = model(row);
        const double unit = unit_of(row);
        fmt::format_to(line, "| {} | {} | {} | {} | {:.0f} | {:.0f} | {:+.0f} % | {} | {} | {} |\n", row.kernel,
                       row.shape, row.card, row.unit, row.value / unit, m.value / unit, 100 * m.error, m.limit,
                       row.fitted ? "yes" : "", row.source);
    }
    return text;
}

}  // namespace gradus
