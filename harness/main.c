/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * main.c - the table of commands, and main().
 *
 * This is the only place from which the program ends: a command returns its exit code, problems are printed where they
 * are met, and that stdout arrived is checked here for all of them. */
#include "harness/commands.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const struct command commands[] = {
    {.name = "list", .summary = "strategies, variants, workloads, and what each can do", .run = command_list},
    {.name = "topology",
     .summary = "which processing unit each worker gets, and how far cores are",
     .run = command_topology},
    {.name = "run", .summary = "measure", .handicap = true, .run = command_run},
    {.name = "duet", .summary = "two builds side by side: is the candidate slower?", .run = command_duet},
    {.name = "compare", .summary = "two results files: a verdict per cell, and one for all", .run = command_compare},
    {.name = "report", .summary = "a report of one or more results files", .run = command_report},
    {.name = "doctor",
     .summary = "what on this machine spoils measurements, and what would mend it",
     .run = command_doctor},
    {.name = "calibrate",
     .summary = "how far duet can be trusted here: false alarms, and what it catches",
     .run = command_calibrate},
    {.name = "history", .summary = "what runs that were kept measured over time", .run = command_history},
    {.name = "manager", .summary = "a manager that serves pools by an address", .run = command_manager},
    {.name = "stress",
     .summary = "the strategies under fire: nothing lost, nothing left behind",
     .run = command_stress},
    {.name = "trial",
     .summary = "one trial, spoken to in JSON lines; for run, not for people",
     .handicap = true,
     .run = command_trial},
    {.name = NULL},
};

/* A closed descriptor 0, 1 or 2 would become the next file opened, and our text would end up in it. */
static void main_hold_standard(void)
{
    int descriptor;

    do {
        descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

int main(int argc, char **argv)
{
    main_hold_standard();
    /* Whoever starts us may ignore these, which is inherited: children could then not be waited for, and a trial would
     * not end at its deadline. */
    signal(SIGCHLD, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    /* A file that grows past its limit shall be an error with a name, not the end. */
    signal(SIGXFSZ, SIG_IGN);
    return commands_finish(commands_run(commands, argc, argv));
}
