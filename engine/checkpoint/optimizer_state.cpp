#include "engine/checkpoint/optimizer_state.h"

#include <algorithm>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/transfer.h"

namespace gradus {

namespace {

struct Part {  // the state of one weight, an element a row
    SafetensorsWriter::Declared declared;
    Tensor value;
};

std::vector<Part> parts_of(Model& model, Optimizer& optimizer) {
    using State = Optimizer::State;
    const std::vector<Weight>& weights = model.weights();
    std::vector<Part> all;
    for (const auto& [kind, member] : {std::pair{"m.", &State::m}, {"v.", &State::v}, {"master.", &State::master}})
        for (size_t i = 0; i < weights.size(); ++i) {
            const State state = optimizer.state_of(i);
            const Tensor value = state.*member;
            if (!value) continue;
            const Shape& s = weights[i].spec.shape;
            const std::vector<int64_t> shape(s.dim.begin(), s.dim.begin() + s.rank);
            all.push_back({{kind + weights[i].name, stored_name(value.dtype), shape}, value.view({value.size(), 1})});
        }
    return all;
}

void check(const SafetensorsFile& file, const std::vector<Part>& parts) {
    auto refuse = [&](const std::string& cause) {
        throw Error("the optimizer's state does not fit the model: '" + file.path().string() + "'", cause,
                    "resume with the recipe that this checkpoint was made with");
    };
    for (const Part& p : parts) {
        const SafetensorsFile::Entry* e = file.find(p.declared.name);
        if (!e) refuse("it has no tensor '" + p.declared.name + "'");
        if (e->shape != p.declared.shape || e->dtype != p.declared.dtype)
            refuse("tensor '" + e->name + "' is " + e->dtype + " " + shape_text(e->shape) + " instead of " +
                   p.declared.dtype + " " + shape_text(p.declared.shape));
    }
    if (file.entries().size() != parts.size()) refuse("it has tensors that this model does not have");
}

}  // namespace

StoredFile save_optimizer(const fs::path& folder, Model& model, Optimizer& optimizer) {
    const std::vector<Part> parts = parts_of(model, optimizer);
    std::vector<SafetensorsWriter::Declared> declared;
    for (const Part& p : parts) declared.push_back(p.declared);
    SafetensorsWriter file(folder, optimizer_name, declared);
    std::vector<std::byte> host;
    constexpr int64_t at_once = 1 << 20;  // elements
    for (const Part& p : parts)
        for (int64_t first = 0; first < p.value.rows(); first += at_once) {
            const Tensor piece = p.value.slice(first, std::min(at_once, p.value.rows() - first));
            host.resize(piece.bytes());
            copy_out(model.run, {host.data(), element_of(piece.dtype), 1, 1}, piece);
            file.write(host.data(), host.size());
        }
    return file.commit();
}

void check_optimizer(const fs::path& folder, Model& model, Optimizer& optimizer) {
    check(SafetensorsFile(folder / optimizer_name), parts_of(model, optimizer));
}

void load_optimizer(const fs::path& folder, Model& model, Optimizer& optimizer) {
    const SafetensorsFile file(folder / optimizer_name);
    const std::vector<Part> parts = parts_of(model, optimizer);
    check(file, parts);
    for (const Part& p : parts)
        copy_in(model.run, p.value, {file.find(p.declared.name)->data, element_of(p.value.dtype), 1, 1});
}

}  // namespace gradus
