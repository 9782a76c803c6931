/* The subcommands of laconic-infer, one function each; argv[0] is the subcommand's name. */
#ifndef LACONIC_INFER_COMMANDS_H
#define LACONIC_INFER_COMMANDS_H

#include "base/status.h"

enum status command_compress(int argc, char **argv);
enum status command_decompress(int argc, char **argv);
enum status command_test(int argc, char **argv);
enum status command_list(int argc, char **argv);
enum status command_evaluate(int argc, char **argv);
enum status command_generate(int argc, char **argv);
enum status command_pack(int argc, char **argv);
enum status command_inspect(int argc, char **argv);

#endif
