// A checkpoint of one mesh resumes on any other.
#include "engine/base/progress.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/saver.h"
#include "engine/generate/generator.h"
#include "tests/parallel/ranks/folder.h"
#include "tests/parallel/ranks/training.h"

namespace gradus {

namespace {

std::vector<MeshSizes> all_meshes(int ranks) {
    std::vector<MeshSizes> all = meshes_of(ranks);
    all.insert(all.begin(), MeshSizes{.dp = 1});
    return all;
}

std::string bits_of(Training& t) {
    const Snapshot s = Snapshot::copy(*t.model, t.trainer.optimizer(), t.mesh);
    std::string bits;
    for (const auto* list : {&s.weights, &s.optimizer})
        for (const LogicalTensor& tensor : *list)
            bits.append(static_cast<const char*>(tensor.value.data), tensor.value.bytes());
    return bits;
}

void any_mesh_to_any_other(MpiWorld& world) {
    const SharedFolder folder(world.all());
    for (const auto& [name, course] :
         {std::pair<const char*, Course>{"gpt2", {.model = shared_gpt2(), .ops = cpu_ops(), .dtype = DType::f32}},
          {"llama", {.model = shared_llama(2), .ops = cpu_ops(), .dtype = DType::f32, .sharded = false}}}) {
        Training undisturbed(course, {});
        const std::vector<double> first = undisturbed.losses(0, 10), expected = undisturbed.losses(10, 20);
        for (const MeshSizes& from : all_meshes(world.size())) {
            const fs::path run = folder / (std::string(name) + " " + text_of(from));
            Training saved(course, mesh_among(world, from));
            require(worst_relative(saved.losses(0, 10), first) <= 1e-6, "the first ten steps differ");
            const std::string bits = bits_of(saved);
            Snapshot s = Snapshot::copy(*saved.model, saved.trainer.optimizer(), saved.mesh);
            fs::path written;
            if (world.rank() == 0)
                written = save_checkpoint(run, s, {.step = 10, .stability = saved.trainer.stability().state()});
            written = world.all().gather(written.string())[0];
            const std::vector<double> continued = saved.losses(10, 20);
            for (const MeshSizes& to : all_meshes(world.size())) {
                const std::string what = std::string(name) + " from " + text_of(from) + " to " + text_of(to);
                Training resumed(course, mesh_among(world, to));
                resumed.steps(0, 1);  // something to be overwritten
                const TrainingState state =
                    load_checkpoint(written, *resumed.model, resumed.trainer.optimizer(), resumed.mesh);
                resumed.trainer.stability().restore(state.stability);
                require(state.step == 10, what + ": another step");
                require(bits_of(resumed) == bits || world.rank() > 0, what + ": other bits");
                const std::vector<double> found = resumed.losses(10, 20);
                require(worst_relative(found, expected) <= 1e-6, what + ": the losses differ");
                if (text_of(from) == text_of(to)) require(found == continued, what + ": the bits of the losses differ");
            }
        }
    }
}

void masters_go_along_in_bf16(MpiWorld& world) {
    const SharedFolder folder(world.all());
    const Course course = {.model = shared_llama(2), .ops = cpu_ops(), .dtype = DType::bf16};
    for (const MeshSizes& from : meshes_of(world.size())) {
        Training saved(course, mesh_among(world, from));
        saved.steps(0, 3);
        const std::string bits = bits_of(saved);
        Snapshot s = Snapshot::copy(*saved.model, saved.trainer.optimizer(), saved.mesh);
        std::string written;
        if (world.rank() == 0) written = save_checkpoint(folder / text_of(from), s, {.step = 3});
        written = world.all().gather(written)[0];
        for (const MeshSizes& to : all_meshes(world.size())) {
            Training resumed(course, mesh_among(world, to));
            load_checkpoint(written, *resumed.model, resumed.trainer.optimizer(), resumed.mesh);
            require(bits_of(resumed) == bits || world.rank() > 0,
                    "other bits from " + text_of(from) + " to " + text_of(to));
        }
    }
}

// A folder's f32 weights are loaded exactly into masters on every mesh.
void masters_begin_from_f32(MpiWorld& world) {
    const SharedFolder folder(world.all());
    const Course exact = {.model = shared_llama(2), .ops = cpu_ops(), .dtype = DType::f32};
    Course course = exact;
    course.dtype = DType::bf16;
    Training source(exact, {});
    source.steps(0, 1);
    if (world.rank() == 0) save_weights(*source.model, folder / "model", DType::f32);
    world.all().barrier();
    for (const MeshSizes& to : all_meshes(world.size())) {
        Training begun(course, mesh_among(world, to));
        begun.steps(0, 1);  // something to be overwritten
        load_weights(*begun.model, begun.trainer.optimizer(), folder / "model");
        const Snapshot s = Snapshot::copy(*begun.model, begun.trainer.optimizer(), begun.mesh);
        size_t found = 0;
        for (const LogicalTensor& t : s.optimizer)
            for (const Weight& w : source.model->weights()) {
                if (t.name != "master." + w.name) continue;
                ++found;
                require(std::memcmp(t.value.data, w.value.data, w.value.bytes()) == 0,
                        t.name + " is not the folder's on " + text_of(to));
            }
        require(begun.mesh.world.rank > 0 || found == source.model->weights().size(), "no masters on " + text_of(to));
    }
}

// Ranks together read every byte of a checkpoint once, and all get the damage that one of them finds.
void ranks_share_the_check(MpiWorld& world) {
    const SharedFolder folder(world.all());
    const Comm all = world.all();
    const fs::path checkpoint = folder / "checkpoint";
    if (all.rank == 0) {
        fs::create_directories(checkpoint / "gradus");
        Manifest m = {.state = {}, .dtype = "f32", .files = {}};
        for (const char* name : {"a", "b", "c"}) {
            ChecksummedFile file(checkpoint, name, 1024);
            file.write(std::string(10000, name[0]));
            m.files.push_back(file.commit());
        }
        write_manifest(checkpoint, m);
    }
    all.barrier();
    const Manifest m = read_manifest(checkpoint);
    double bytes = -double(progress_so_far());
    require(!find_damage(checkpoint, m, VerifyLevel::all, all), "damage where there is none");
    bytes += double(progress_so_far());
    require(bytes < 3 * 10000.0 / world.size() + 3000, "this rank has read more than its share");
    all.sum(std::span(&bytes, 1));
    require(bytes == 3 * 10000, "the ranks have not read every byte once");
    for (const auto& [name, at] : {std::pair("a", 0), {"b", 1024}, {"b", 5000}, {"c", 9999}}) {
        const std::string good(10000, name[0]);
        std::string damaged = good;
        damaged[size_t(at)] ^= 1;
        all.barrier();
        if (all.rank == 0) write_file_atomically(checkpoint / name, damaged);
        all.barrier();
        const Damage damage = find_damage(checkpoint, m, VerifyLevel::all, all);
        require(damage.file == name && !damage.cause.empty(), std::string("this rank does not find ") + name);
        all.barrier();
        if (all.rank == 0) write_file_atomically(checkpoint / name, good);
    }
}

void written_beside_training(MpiWorld& world) {
    const SharedFolder folder(world.all());
    const Course course = {.model = shared_gpt2()};
    Training t(course, mesh_among(world, {.dp = 2, .tp = world.size() / 2}));
    t.steps(0, 2);
    const std::string bits = bits_of(t);
    Snapshot s = Snapshot::copy(*t.model, t.trainer.optimizer(), t.mesh);
    CheckpointSaver saver(folder / "run", {});
    if (world.rank() == 0) saver.begin(std::move(s), {.step = 2});
    t.steps(2, 6);  // meanwhile changes every weight
    std::string written;
    if (world.rank() == 0) written = saver.wait().value();
    written = world.all().gather(written)[0];
    require(bits_of(t) != bits || world.rank() > 0, "training changed nothing");
    load_checkpoint(written, *t.model, t.trainer.optimizer(), t.mesh);
    require(bits_of(t) == bits || world.rank() > 0, "the checkpoint does not have the copied state");
}

void texts_are_the_same(MpiWorld& world) {
    for (const ModelConfig& m : {shared_gpt2(), shared_llama(2)}) {
        const std::vector<Prompt> prompts = {{{1, 2, 3}, 0}, {{4}, 1}, {{5, 6, 7, 8, 9}, 2}};
        const GenerateOptions options = {.max_tokens = 6, .sampling = {.temperature = 1, .seed = 3}};
        auto text = [&](const Mesh& mesh) {
            Training t({.model = m}, mesh);
            t.steps(0, 2);
            std::vector<std::vector<int32_t>> ids;
            for (const Generated& g : Generator(*t.model, {.sequences = 2}).generate(prompts, options))
                ids.push_back(g.ids);
            return ids;
        };
        const auto expected = text({});
        for (const MeshSizes& sizes : meshes_of(world.size()))
            require(text(mesh_among(world, sizes)) == expected, "another text on " + text_of(sizes));
    }
}

}  // namespace

const std::vector<Scenario> checkpoint_scenarios = {
    {"any_mesh_to_any_other", any_mesh_to_any_other},     {"masters_go_along_in_bf16", masters_go_along_in_bf16},
    {"masters_begin_from_f32", masters_begin_from_f32},   {"ranks_share_the_check", ranks_share_the_check},
    {"written_beside_training", written_beside_training}, {"texts_are_the_same", texts_are_the_same},
};

}  // namespace gradus
