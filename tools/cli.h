#pragma once
// Shared by all commands. A command is a file tools/command_NAME.cpp with a function add_NAME_command, which declares
// its options and a callback that does the work. Commands throw Error; only main() catches.
//
// Exit status, the same for every command:
//   0 success, also if Ctrl-C, SIGTERM or SIGHUP stopped a run and it saved a checkpoint
//   1 an Error: three lines say what to do    2 the command line was wrong    70 a bug in gradus
//   75 a rank was lost: the same command may succeed now
//   130 a second signal ended it immediately
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
void add_sft_command(CLI::App&);
void add_reward_command(CLI::App&);
void add_dpo_command(CLI::App&);
void add_ppo_command(CLI::App&);
void add_grpo_command(CLI::App&);
void add_score_command(CLI::App&);
void add_best_command(CLI::App&);
void add_eval_command(CLI::App&);
void add_generate_command(CLI::App&);
void add_chat_command(CLI::App&);
void add_stages_command(CLI::App&);
void add_rank_command(CLI::App&);
void add_rounds_command(CLI::App&);
void add_revise_command(CLI::App&);
void add_judge_command(CLI::App&);
void add_convert_command(CLI::App&);
void add_report_command(CLI::App&);
void add_baselines_command(CLI::App&);
void add_bench_command(CLI::App&);

// Validators for whole numbers and for any numbers, with limits. With ->transform(), 1e3 is a whole number.
CLI::Validator whole_between(int64_t least, uint64_t most);
CLI::Validator number_between(double least, double most);
// Validators for one of several words, or for the values of a setting of pre-training, which also knows the names that
// other programs use. In the message the nearest name follows meant_mark and becomes part of the fix.
inline constexpr const char* meant_mark = "; meant: ";
CLI::Validator one_of_words(const std::vector<std::string>& words);
CLI::Validator one_of_setting(const std::string& key);

// --set key=value, which overrides `overridden`: "the file".
void add_set_option(CLI::App&, std::vector<std::string>& assignments, const std::string& overridden);

// --text-key KEY
void add_text_key_option(CLI::App&, std::string& text_key);

// --threads N; 0: one per core.
void add_threads_option(CLI::App&, int& threads);
// Sets the number of threads for all ops; 0: unchanged. Error if the system allows fewer. Call it before the first
// parallel work of a command.
void use_threads(int threads = 0);
int threads_in_use();

// --dtype f32|bf16
void add_dtype_option(CLI::App&, std::string& dtype);
DType parse_dtype(const std::string& dtype);

// The Error if results could not be written to standard output, from errno.
Error unwritten_output();

}  // namespace gradus
