#include "tools/ending.h"

#include <cerrno>
#include <cstdio>
#include <new>
#include <system_error>

#include "engine/base/threads.h"
#include "engine/base/write_error.h"
#include "tools/cli.h"

namespace gradus {

Ending ending_of(std::exception_ptr thrown) {
    const char* report = "please report it with the command line and the line above";
    try {
        std::rethrow_exception(thrown);
    } catch (const UsageError& e) { return {e, status_usage}; } catch (const Error& e) {
        return {e, status_error};
    } catch (const InternalError& e) {
        return {Error("an internal check failed; this is a bug in gradus", e.what(), report), status_bug};
    } catch (const std::bad_alloc&) {
        return {Error("out of memory", "this command needs more memory than this machine has free",
                      "training: --set train.micro_batch=1 or --set train.recompute=true; else fewer prompts or a "
                      "shorter --context"),
                status_error};
    } catch (const fs::filesystem_error& e) {
        return {write_error(e.path1(), e.code().value(), "cannot use"), status_error};
    } catch (const std::system_error& e) {
        if (e.code() == std::errc::resource_unavailable_try_again) return {no_more_threads(e.what()), status_error};
        errno = e.code().value();
        return {std::ferror(stdout) ? unwritten_output()
                                    : Error("the system refused what this command needs", e.what(),
                                            "free some memory, or use fewer threads, and run the same command again"),
                status_error};
    } catch (const std::exception& e) {
        return {Error("an unexpected exception; this is a bug in gradus", e.what(), report), status_bug};
    }
}

}  // namespace gradus
