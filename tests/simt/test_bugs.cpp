// Every planted bug is reported at its line by the expected tool; nothing reports its fixed version.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

// The line with the comment "BUG name", in the form of reports: "order.cu:12".
std::string marked_line(const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator(GRADUS_ROOT "/tests/simt/bugs")) {
        std::ifstream file(entry.path());
        int number = 0;
        for (std::string line; std::getline(file, line);) {
            ++number;
            const std::string mark = "// BUG " + name;
            if (line.size() > mark.size() && line.compare(line.size() - mark.size(), mark.size(), mark) == 0)
                return entry.path().filename().string() + ":" + std::to_string(number);
        }
    }
    return "no line is marked BUG " + name;
}

struct Run {
    int status;
    std::string output;
};

Run run(const std::string& program, const std::string& settings, const std::string& name, const std::string& version) {
    // By default ThreadSanitizer waits a second at exit for late reports.
    const std::string command = "TSAN_OPTIONS=atexit_sleep_ms=0 GRADUS_SIMT='" + settings + "' timeout 120 " + program +
                                " " + name + " " + version + " 2>&1";
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe);
    Run result;
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) result.output.append(buffer, n);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return result;
}

void is_found(const std::string& program, const std::string& watcher, const std::vector<std::string>& settings,
              const std::string& name) {
    for (const std::string& chosen : settings) {
        INFO(name << " with " << chosen);
        const Run broken = run(program, chosen, name, "broken"), fixed = run(program, chosen, name, "fixed");
        INFO(broken.output);
        REQUIRE(broken.status != 0);
        REQUIRE(broken.output.find(watcher) != std::string::npos);
        REQUIRE(broken.output.find(marked_line(name)) != std::string::npos);
        INFO(fixed.output);
        REQUIRE(fixed.status == 0);
        REQUIRE(fixed.output.find("Sanitizer") == std::string::npos);
    }
}

const std::vector<std::string> any_settings = {"seed=0 copies=late", "seed=2 copies=early resident=2"};
const std::vector<std::string> late = {"seed=0 copies=late", "seed=3 copies=late"};

}  // namespace

TEST_CASE("barriers that not all threads reach are Faults at their lines") {
    for (const char* name : {"two_barriers", "early_exit", "unequal_barriers", "two_counts"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
}

TEST_CASE("misused mbarriers are Faults at their lines") {
    for (const char* name : {"too_many_arrivals", "no_init", "wrong_parity"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
}

TEST_CASE("a block that spins for a block that is not resident is a Fault at its line") {
    is_found(BUGS_PLAIN, "fault", late, "blocks_that_wait");
}

TEST_CASE("collectives with wrong masks or missing lanes are Faults at their lines") {
    for (const char* name :
         {"absent_lane", "exited_lane", "lanes_that_do_not_exist", "not_in_its_mask", "two_collectives", "two_masks"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
}

TEST_CASE("wgmma with a missing fence, wait, commit or thread, or a wrong tile, is a Fault at its line") {
    for (const char* name : {"no_warpgroup_fence", "loose_group", "no_warpgroup_commit", "off_the_pattern",
                             "wrong_stride", "tiles_of_their_own", "three_warps"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
}

TEST_CASE("setmaxnreg with counts that the block's warpgroups cannot have is a Fault at its line") {
    for (const char* name : {"too_many_registers", "registers_never_given", "lower_to_more", "raise_to_fewer"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
}

TEST_CASE("wgmma or a bulk store that may read old values because a fence is missing is a Fault at its line") {
    for (const char* name : {"no_proxy_fence", "one_proxy_fence", "factors_after_the_fence", "sums_after_the_fence",
                             "no_fence_before_the_store"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
    is_found(BUGS_PLAIN, "fault", late, "written_before_the_store_has_read");
}

TEST_CASE("copies of boxes with a wrong map, tile, rank or number of bytes are Faults at their lines") {
    for (const char* name : {"bytes_of_the_inside", "tile_off_its_alignment", "coordinates_of_another_rank",
                             "map_in_local_memory", "box_outside_shared", "no_fence_before_the_box"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
    is_found(BUGS_PLAIN, "fault", late, "written_before_the_box_is_read");
}

TEST_CASE("a device_check that fails is a Fault at its line") {
    is_found(BUGS_PLAIN, "fault", any_settings, "failed_check");
}

TEST_CASE("uninitialised shared memory is NaN") { is_found(BUGS_PLAIN, "fault", any_settings, "not_written"); }

TEST_CASE("addresses of 16-byte accesses that are not multiples of 16 are Faults at their lines") {
    for (const char* name : {"misaligned_pack", "misaligned_copy"}) is_found(BUGS_PLAIN, "fault", any_settings, name);
}

TEST_CASE("launches outside the limits of a GPU are Faults at the line of the launch") {
    for (const char* name : {"too_many_threads", "too_large_a_grid", "too_much_shared"})
        is_found(BUGS_PLAIN, "fault", any_settings, name);
}

TEST_CASE("expected bytes that never arrive, and blocks that exit before their copies end, are Faults at their lines") {
    is_found(BUGS_PLAIN, "fault", any_settings, "too_many_bytes_expected");
    for (const char* name : {"exit_in_flight", "exit_before_the_store_has_read"})
        is_found(BUGS_PLAIN, "fault", late, name);
}

TEST_CASE("AddressSanitizer reports accesses outside global and shared memory at their lines") {
    for (const char* name : {"outside_global", "outside_shared", "outside_dynamic_shared", "released_too_early"})
        is_found(BUGS_ASAN, "AddressSanitizer", any_settings, name);
}

TEST_CASE("AddressSanitizer reports host code that accesses device memory") {
    is_found(BUGS_ASAN, "AddressSanitizer", any_settings, "device_memory_on_the_host");
}

TEST_CASE("AddressSanitizer reports reads of a copy's destination before the copy is complete") {
    for (const char* name : {"no_wait", "loose_wait"}) is_found(BUGS_ASAN, "AddressSanitizer", any_settings, name);
    for (const char* name : {"no_wait_for_the_phase", "tile_not_loaded", "box_not_loaded"})
        is_found(BUGS_ASAN, "AddressSanitizer", late, name);
}

TEST_CASE("AddressSanitizer reports host code that reads the destination of a queued copy") {
    is_found(BUGS_ASAN, "AddressSanitizer", late, "read_before_synchronise");
}

TEST_CASE("what a capture forbids is a Fault that names the function that began it") {
    for (const char* name :
         {"synchronise_in_capture", "allocation_in_capture", "event_from_outside", "capture_left_open"})
        for (const std::string& chosen : any_settings) {
            const Run broken = run(BUGS_PLAIN, chosen, name, "broken"), fixed = run(BUGS_PLAIN, chosen, name, "fixed");
            INFO(name << " with " << chosen << '\n' << broken.output << fixed.output);
            REQUIRE(broken.status == 3);
            REQUIRE(broken.output.find("bugs_of_graphs") != std::string::npos);
            REQUIRE(fixed.status == 0);
        }
}

TEST_CASE("a number that changes between replays is not seen unless it is in device memory") {
    for (const std::string& chosen : any_settings) {
        REQUIRE(run(BUGS_PLAIN, chosen, "value_of_the_capture", "broken").status == 3);
        REQUIRE(run(BUGS_PLAIN, chosen, "value_of_the_capture", "fixed").status == 0);
    }
}

TEST_CASE("AddressSanitizer reports a replay that uses released memory, at the kernel's line") {
    is_found(BUGS_ASAN, "AddressSanitizer", any_settings, "graph_of_released_memory");
}

TEST_CASE("host code that overwrites the source of a queued copy is a Fault that names the function that queued it") {
    for (const std::string& chosen : late) {
        const Run broken = run(BUGS_PLAIN, chosen, "written_before_synchronise", "broken");
        INFO(broken.output);
        REQUIRE(broken.status != 0);
        REQUIRE(broken.output.find("copy_to_device of 256 bytes, queued by ") != std::string::npos);
        REQUIRE(broken.output.find("bugs_of_the_host") != std::string::npos);
        REQUIRE(run(BUGS_PLAIN, chosen, "written_before_synchronise", "fixed").status == 0);
    }
}

TEST_CASE("ThreadSanitizer reports races within a block at their lines") {
    for (const char* name : {"no_barrier", "no_barrier_between_two_uses", "no_warp_barrier",
                             "no_barrier_after_the_wait", "no_barrier_before_the_copy", "tile_in_use"})
        is_found(BUGS_TSAN, "ThreadSanitizer", any_settings, name);
}

TEST_CASE("ThreadSanitizer reports writes that a fence_async() of another thread does not follow, at their lines") {
    for (const char* name : {"fence_of_some", "fence_before_the_barrier"})
        is_found(BUGS_TSAN, "ThreadSanitizer", any_settings, name);
}

TEST_CASE("ThreadSanitizer reports races between blocks at their lines, also with too narrow a fence or scope") {
    for (const char* name : {"two_blocks", "no_fence", "narrow_fence", "narrow_scope", "written_while_others_add"})
        is_found(BUGS_TSAN, "ThreadSanitizer", any_settings, name);
}

TEST_CASE("ThreadSanitizer reports races of streams without an event, and of the host before synchronise") {
    for (const char* name :
         {"no_event", "graph_without_event", "read_before_synchronise", "written_before_synchronise"})
        is_found(BUGS_TSAN, "ThreadSanitizer", any_settings, name);
}
