#pragma once
// What the commands of the program share. A command is a file tools/command_NAME.cpp with a function add_NAME_command,
// which declares its options and whose callback does the work. Commands throw Error; main() alone catches.
//
// Exit status, the same for every command:
//   0 done, also when Ctrl-C, SIGTERM or SIGHUP asked a run to stop and it saved itself
//   1 an Error: three lines say what to do    2 the command line was wrong    70 a bug of gradus
//   75 a rank was lost: the same command may go well now
//   130 a second signal ended it at once
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "engine/base/error.h"
#include "engine/base/file.h"
#include "kernels/ops.h"

namespace gradus {

inline constexpr const char* version = "0.1.0";

void add_data_command(CLI::App&);
void add_data_prompts(CLI::App& data);
void add_tokenizer_command(CLI::App&);
void add_plan_command(CLI::App&);
void add_pretrain_command(CLI::App&);
void add_eval_command(CLI::App&);
void add_generate_command(CLI::App&);
void add_convert_command(CLI::App&);
void add_report_command(CLI::App&);
void add_baselines_command(CLI::App&);
void add_bench_command(CLI::App&);

// Of a whole number, and of any number: that it is one, and within these limits. With ->transform(), 1e3 is a whole number.
CLI::Validator whole_between(int64_t least, uint64_t most);
CLI::Validator number_between(double least, double most);
// Of a word: that it is one of these, or one that the setting of pre-training may be, which also knows what other programs
// call them. In its message the nearest name follows meant_mark, for the line that says the fix.
inline constexpr const char* meant_mark = "; meant: ";
CLI::Validator one_of_words(const std::vector<std::string>& words);
CLI::Validator one_of_setting(const std::string& key);

// --text-key KEY
void add_text_key_option(CLI::App&, std::string& text_key);

// --threads N; 0: one for each core.
void add_threads_option(CLI::App&, int& threads);
// What ops compute with from now on; 0: as it was. Error where the system gives fewer. Before a command's first parallel work.
void use_threads(int threads = 0);
int threads_in_use();

// --dtype f32|bf16
void add_dtype_option(CLI::App&, std::string& dtype);
DType parse_dtype(const std::string& dtype);

// The Error where results could not be written to standard output; by errno.
Error unwritten_output();

}  // namespace gradus
