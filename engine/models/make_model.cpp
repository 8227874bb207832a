#include "engine/blocks/pre_norm.h"
#include "engine/models/decoder.h"

namespace gradus {

std::unique_ptr<Model> make_model(const Run& run, const Mode& mode, Parameters& parameters, Arena& activations) {
    require_divisible(run.model, run.d.N(), run.tp.size);
    return std::make_unique<Decoder<PreNorm>>(run, mode, parameters, activations);
}

}  // namespace gradus
