#include "engine/plan/hardware.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/base/error.h"

namespace gradus {

namespace {

// The context of a GPU (driver, CUDA, cuBLAS and NCCL with their buffers) is an assumption: it depends on their
// versions.
constexpr double gpu_context = 1.0;

// clang-format off
constexpr Device devices[] = {
    {.name = "A100-40", .memory_gib = 40, .bf16_tflops = 312, .f32_tflops = 19.5, .memory_gbs = 1555, .nvlink_gbs = 300,
     .network_gbs = 25, .node = 8, .context_gib = gpu_context,
     .source = "NVIDIA A100 data sheet (SXM, 40 GB); NVLink 3: 600 GB/s both ways; DGX A100: 200 Gbit/s a GPU"},
    {.name = "A100-80", .memory_gib = 80, .bf16_tflops = 312, .f32_tflops = 19.5, .memory_gbs = 2039, .nvlink_gbs = 300,
     .network_gbs = 25, .node = 8, .context_gib = gpu_context,
     .source = "NVIDIA A100 data sheet (SXM, 80 GB); NVLink 3: 600 GB/s both ways; DGX A100: 200 Gbit/s a GPU"},
    {.name = "H100", .memory_gib = 79.6, .bf16_tflops = 989.4, .f32_tflops = 66.9, .memory_gbs = 3350, .nvlink_gbs = 450,
     .network_gbs = 50, .node = 8, .context_gib = gpu_context,
     .source = "NVIDIA H100 data sheet (SXM5, 80 GB); NVLink 4: 900 GB/s both ways; DGX H100: 400 Gbit/s a GPU"},
    {.name = "H100-PCIe", .memory_gib = 79.6, .bf16_tflops = 756, .f32_tflops = 51.2, .memory_gbs = 2000, .nvlink_gbs = 64,
     .network_gbs = 25, .node = 8, .context_gib = gpu_context,
     .source = "NVIDIA H100 data sheet (PCIe, 80 GB); devices talk over PCIe 5 x16: 64 GB/s; network 200 Gbit/s assumed"},
    {.name = "H200", .memory_gib = 140.4, .bf16_tflops = 989.4, .f32_tflops = 66.9, .memory_gbs = 4800, .nvlink_gbs = 450,
     .network_gbs = 50, .node = 8, .context_gib = gpu_context,
     .source = "NVIDIA H200 data sheet (SXM, 141 GB); NVLink 4: 900 GB/s both ways; DGX H200: 400 Gbit/s a GPU"},
    {.name = "B200", .memory_gib = 179, .bf16_tflops = 2250, .f32_tflops = 75, .memory_gbs = 7700, .nvlink_gbs = 900,
     .network_gbs = 50, .node = 8, .context_gib = gpu_context,
     .source = "NVIDIA HGX B200 data sheet (SXM, 180 GB); NVLink 5: 1,800 GB/s both ways; DGX B200: 400 Gbit/s a GPU"},
    {.name = "cpu", .memory_gib = 0, .bf16_tflops = 0, .f32_tflops = 0, .memory_gbs = 0, .nvlink_gbs = 0,
     .network_gbs = 0, .node = 1, .context_gib = 0, .matmul_workspace = 0, .logit_rows = 0,
     .source = "not known: --tflops says what `gradus bench ops` measured"},
};
// clang-format on

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

// "H100-PCIe" → "h100pcie". Names that differ in a letter or digit are different devices, so there are no other
// suggestions.
std::string letters_of(const std::string& name) {
    std::string letters = lower(name);
    std::erase_if(letters, [](unsigned char c) { return !std::isalnum(c); });
    return letters;
}

bool is_part_of_the_other(const std::string& a, const std::string& b) {
    return std::min(a.size(), b.size()) >= 3 && (a.starts_with(b) || b.starts_with(a));
}

}  // namespace

std::span<const Device> known_devices() { return devices; }

Devices parse_devices(const std::string& given) {
    Devices found;
    std::string text = given;
    std::erase(text, ' ');
    std::string name = text;
    if (const size_t x = text.find('x'); x != std::string::npos && !text.empty() && std::isdigit(uint8_t(text[0]))) {
        const auto [end, failed] = std::from_chars(text.data(), text.data() + x, found.count);
        if (failed != std::errc() || end != text.data() + x || found.count < 1 || found.count > most_devices)
            throw Error("'" + text + "' has no number of devices",
                        "'" + text.substr(0, x) + "' must be between 1 and " + std::to_string(most_devices),
                        "--devices 8x" + text.substr(x + 1));
        name = text.substr(x + 1);
    }
    std::string list, near;
    const std::string number = found.count > 0 ? std::to_string(found.count) + "x" : "";
    for (const Device& d : devices) {
        if (lower(name) == lower(d.name)) {
            found.device = d;
            return found;
        }
        list += (list.empty() ? "" : ", ") + std::string(d.name);
        if (text == name && std::isdigit(uint8_t(text.back())) && lower(text).starts_with(lower(d.name) + "x"))
            near = "--devices " + text.substr(std::string(d.name).size() + 1) + "x" + d.name;
        else if (is_part_of_the_other(letters_of(name), letters_of(d.name)))
            near += (near.empty() ? "--devices " : " or --devices ") + number + d.name;
    }
    throw Error("there is no device '" + name + "'", "--devices knows " + list,
                !near.empty()
                    ? near
                    : "one of these; --tflops and --memory give the figures of another GPU, such as --devices " +
                          number + "H100 --tflops 989 --memory 80");
}

}  // namespace gradus
