/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_trial.c - the real `muster trial` spoken to by hand, politely and otherwise.
 *
 * However a trial ends, nothing of it may be left: its processes are counted here by a mark that they inherit, and the
 * frame looks for everything else. */
#include "bench/registry.h"
#include "harness/gate.h"
#include "harness/protocol.h"
#include "tests/frame.h"
#include "tests/processes.h"

#include <CUnit/CUnit.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOON_S  5.0
#define LEAVE_S 1.0
#define REPLY   (1 << 20)

/* --- a real trial, by hand --------------------------------------------------------------------------------------- */

struct talk {
    pid_t pid;
    int to, from;
};

static void become_trial(int in, int out)
{
    static char name[] = "muster", trial[] = "trial";
    char *argv[] = {name, trial, NULL};
    int quiet = open("/dev/null", O_WRONLY);
    /* Whoever starts it may ignore signals, and that is inherited. */
    signal(SIGCHLD, SIG_IGN);
    signal(SIGALRM, SIG_IGN);
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(quiet, STDERR_FILENO) >= 0)
        execv(frame_built("muster"), argv);
    _exit(127);
}

static struct talk begin(void)
{
    int in[2], out[2];
    processes_mark();
    signal(SIGPIPE, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(pipe2(in, O_CLOEXEC), 0);
    CU_ASSERT_EQUAL_FATAL(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0)
        become_trial(in[0], out[1]);
    CU_ASSERT_FATAL(pid > 0);
    close(in[0]);
    close(out[1]);
    return (struct talk){.pid = pid, .to = in[1], .from = out[0]};
}

static void say(const struct talk *t, const char *line)
{
    char text[2000];
    int length = snprintf(text, sizeof text, "%s\n", line);
    CU_ASSERT_EQUAL(write(t->to, text, (size_t)length), length);
}

/* A line; NULL at the end, or when nothing comes. */
static json_t *hear(const struct talk *t)
{
    static char text[REPLY];
    size_t used = 0;
    for (double until_s = processes_now_s() + SOON_S; processes_now_s() < until_s && used + 1 < sizeof text;) {
        struct pollfd p = {.fd = t->from, .events = POLLIN};
        if (poll(&p, 1, 100) <= 0)
            continue;
        ssize_t n = read(t->from, text + used, 1);
        if (n <= 0)
            return NULL;
        used += (size_t)n;
        if (text[used - 1] == '\n')
            return json_loadb(text, used, 0, NULL);
    }
    return NULL;
}

/* Says it, and checks of which kind the reply is; the caller's to free. */
static json_t *ask(const struct talk *t, const char *line, const char *kind)
{
    say(t, line);
    json_t *reply = hear(t);
    const char *got = json_string_value(json_object_get(reply, "reply"));
    CU_ASSERT(got && strcmp(got, kind) == 0);
    if (!got || strcmp(got, kind) != 0)
        fprintf(stderr, "to %s came %s, not %s\n", line, got ? got : "nothing", kind);
    return reply;
}

static void ask_only(const struct talk *t, const char *line, const char *kind)
{
    json_t *reply = ask(t, line, kind);
    const char *reason = json_string_value(json_object_get(reply, "reason"));
    CU_ASSERT_EQUAL(reason != NULL, strcmp(kind, "failed") == 0 || strcmp(kind, "n/a") == 0);
    json_decref(reply);
}

/* Closes both ends and checks how it went, and that nobody is left. */
static void end(const struct talk *t, int code)
{
    close(t->to);
    CU_ASSERT_EQUAL(processes_wait(t->pid, SOON_S), code);
    close(t->from);
    CU_ASSERT_EQUAL(processes_left(0, LEAVE_S), 0);
}

static const char *prepare_text(const char *workload, const struct strategy *strategy, unsigned deadline_s)
{
    static char text[600];
    snprintf(text, sizeof text,
             "{\"do\":\"prepare\",\"protocol\":\"" PROTOCOL
             "\",\"workload\":\"%s\",\"strategy\":\"%s\",\"variant\":\"%s\","
             "\"workers\":%u,\"chunk\":4,\"items\":64,\"payload_bytes\":8,\"deadline_s\":%u,\"oversubscribed\":true}",
             workload, strategy->name, strategy->variants[0].name, strategy->workers_most == 1 ? 1U : 2U, deadline_s);
    return text;
}

static const char measure_text[] = "{\"do\":\"measure\",\"windows\":3,\"window_ns\":1000000}";
static const char long_text[] = "{\"do\":\"measure\",\"windows\":1000,\"window_ns\":100000000}";
static const char finish_text[] = "{\"do\":\"finish\"}";

static void check_measured(json_t *reply, unsigned workers)
{
    struct answer answer;
    CU_ASSERT_EQUAL_FATAL(protocol_read_measured(reply, &answer), 0);
    CU_ASSERT_EQUAL_FATAL(answer.rate_count, 3);
    CU_ASSERT_EQUAL(answer.worker_count, workers);
    for (size_t i = 0; i < answer.rate_count; i++)
        CU_ASSERT(answer.rates[i] > 0);
    CU_ASSERT_TRUE(answer.verified);
    CU_ASSERT(answer.seconds > 0);
    answer_free(&answer);
    json_decref(reply);
}

/* Bound to a unit that this test may use; every process reads back that it runs there. */
static void whole_conversation(void)
{
    cpu_set_t set;
    unsigned pu = 0;
    char line[600];
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof set, &set), 0);
    while (!CPU_ISSET(pu, &set))
        pu++;
    for (const struct strategy *const *s = strategies; *s; s++) {
        struct talk t = begin();
        unsigned workers = (*s)->workers_most == 1 ? 1 : 2;
        const char *workload = (*s)->role == ROLE_LIMITS ? "fetch-add" : "counter";
        snprintf(line, sizeof line, "%s", prepare_text(workload, *s, 30));
        snprintf(strrchr(line, '}'), 100, ",\"pus\":[%u%s%.*u],\"service_pu\":%u}", pu, workers == 2 ? "," : "",
                 workers == 2, workers == 2 ? pu : 0, pu);
        json_t *ready = ask(&t, line, "ready");
        CU_ASSERT(json_integer_value(json_object_get(ready, "chunk_used")) > 0);
        json_decref(ready);
        check_measured(ask(&t, measure_text, "measured"), workers);
        check_measured(ask(&t, measure_text, "measured"), workers);
        json_t *finished = ask(&t, finish_text, "finished"), *process;
        size_t i;
        json_array_foreach(json_object_get(finished, "processes"), i, process)
        {
            CU_ASSERT_EQUAL(json_integer_value(json_object_get(process, "ran_on")), pu);
            CU_ASSERT_EQUAL(json_integer_value(json_object_get(process, "pu")), pu);
        }
        json_decref(finished);
        CU_ASSERT_EQUAL(processes_left(1, LEAVE_S), 1);
        end(&t, 0);
    }
}

/* However far a trial is, the end of its input ends it. */
static void end_of_file(void)
{
    struct talk t = begin();
    end(&t, 0);
    for (const struct strategy *const *s = strategies; *s; s++)
        for (int stage = 0; (*s)->role != ROLE_LIMITS && stage < 3; stage++) {
            t = begin();
            ask_only(&t, prepare_text("map", *s, 30), "ready");
            if (stage > 0)
                ask_only(&t, measure_text, "measured");
            if (stage > 1)
                ask_only(&t, finish_text, "finished");
            end(&t, 0);
        }
}

/* SIGKILL takes the workers with it, whatever they were doing. */
static void killed(void)
{
    for (const struct strategy *const *s = strategies; *s; s++)
        for (int busy = 0; (*s)->role != ROLE_LIMITS && busy < 2; busy++) {
            struct talk t = begin();
            ask_only(&t, prepare_text("counter", *s, 30), "ready");
            if (busy) {
                say(&t, long_text);
                processes_pause(0.03);
            }
            CU_ASSERT_EQUAL(kill(t.pid, SIGKILL), 0);
            end(&t, 128 + SIGKILL);
        }
}

static void nobody_listens(void)
{
    struct talk t = begin();
    ask_only(&t, prepare_text("counter", strategy_find("shared-memory"), 30), "ready");
    close(t.from);
    say(&t, measure_text);
    int code = processes_wait(t.pid, SOON_S);
    CU_ASSERT(code > 0);
    CU_ASSERT_EQUAL(processes_left(0, LEAVE_S), 0);
    close(t.to);
}

static void garbage(void)
{
    static const char *const lines[] = {"hello",
                                        "",
                                        "{",
                                        "[]",
                                        "{}",
                                        "null",
                                        "{\"do\":7}",
                                        "{\"do\":\"dance\"}",
                                        "{\"do\":\"prepare\"}",
                                        "\xff\xfe",
                                        "{\"do\":\"measure\",\"windows\":1,\"window_ns\":1000000}",
                                        "{\"do\":\"finish\"}"};
    struct talk t = begin();
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ask_only(&t, lines[i], "failed");
    /* and it still works */
    ask_only(&t, prepare_text("counter", strategy_find("prefork-pipe"), 30), "ready");
    ask_only(&t, measure_text, "measured");
    ask_only(&t, finish_text, "finished");
    ask_only(&t, finish_text, "failed");
    end(&t, 0);
}

static void unknown_strategy(void)
{
    const struct strategy strange = {.name = "telepathy", .variants = strategy_find("serial")->variants};
    struct talk t = begin();
    ask_only(&t, prepare_text("map", &strange, 0), "n/a");
    ask_only(&t, prepare_text("chess", strategy_find("serial"), 0), "n/a");
    ask_only(&t, prepare_text("map", strategy_find("serial"), 0), "ready");
    end(&t, 0);
}

static void out_of_turn(void)
{
    static const char *const bad[] = {"{\"do\":\"measure\"}", "{\"do\":\"measure\",\"windows\":0,\"window_ns\":1000}",
                                      "{\"do\":\"measure\",\"windows\":-1,\"window_ns\":1000}",
                                      "{\"do\":\"measure\",\"windows\":1,\"window_ns\":0}",
                                      "{\"do\":\"measure\",\"windows\":\"8\",\"window_ns\":1000}"};
    const struct strategy *strategy = strategy_find("manager-socket");
    struct talk t = begin();
    ask_only(&t, prepare_text("list", strategy, 30), "ready");
    ask_only(&t, prepare_text("list", strategy, 30), "failed");
    /* what failed is over: its processes are gone */
    CU_ASSERT_EQUAL(processes_left(1, LEAVE_S), 1);
    ask_only(&t, measure_text, "failed");
    end(&t, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        t = begin();
        ask_only(&t, prepare_text("list", strategy, 30), "ready");
        ask_only(&t, bad[i], "failed");
        end(&t, 0);
    }
}

/* A driver that hangs, or a window that never ends: the trial ends itself. */
static void deadline(void)
{
    struct talk t = begin();
    double began_s = processes_now_s();
    ask_only(&t, prepare_text("counter", strategy_find("prefork-pipe"), 1), "ready");
    say(&t, long_text);
    json_t *reply = hear(&t);
    CU_ASSERT_PTR_NULL(reply);
    json_decref(reply);
    CU_ASSERT(processes_now_s() - began_s > 0.5);
    end(&t, 128 + SIGALRM);
}

/* In the control the parent is the worker: what it costs is the worker's. And of messages that wait for their reply one
 * is on its way, whatever a map would have. */
static void who_pays(void)
{
    for (const struct strategy *const *s = strategies; *s; s++) {
        struct answer answer;
        if ((*s)->role == ROLE_LIMITS)
            continue;
        struct talk t = begin();
        json_t *ready = ask(&t, prepare_text("counter", *s, 30), "ready");
        CU_ASSERT(json_integer_value(json_object_get(ready, "depth")) <= 1);
        json_decref(ready);
        json_t *reply = ask(&t, measure_text, "measured");
        CU_ASSERT_EQUAL_FATAL(protocol_read_measured(reply, &answer), 0);
        CU_ASSERT(answer.workers.cpu_s > 0);
        CU_ASSERT((answer.service.cpu_s == 0) == ((*s)->role == ROLE_CONTROL_ONLY));
        answer_free(&answer);
        json_decref(reply);
        ask_only(&t, finish_text, "finished");
        end(&t, 0);
    }
}

/* --- the gate ---------------------------------------------------------------------------------------------------- */

static bool sleeps(pid_t pid)
{
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    int got = file ? fscanf(file, "%*d (%*[^)]) %c", &state) : 0;
    if (file)
        fclose(file);
    return got == 1 && state == 'S';
}

static void come_late(const struct hooks *hooks)
{
    hooks->gate(hooks->arg, 1, 2);
    size_t n = hooks->next(hooks->arg, 1, 0, true);
    _exit(n == 0 || hooks->next(hooks->arg, 1, n, true) != 0);
}

/* A worker who wakes when the window is over has been away for all of it: his first operations are no rate of their
 * own. */
static void late_worker(void)
{
    struct gate *gate = gate_open(2, NULL, NULL, -1, false);
    CU_ASSERT_PTR_NOT_NULL_FATAL(gate);
    struct hooks hooks = gate_hooks(gate);
    gate_arm(gate, 1000000);
    pid_t pid = fork();
    if (pid == 0)
        come_late(&hooks);
    CU_ASSERT_FATAL(pid > 0);
    while (!sleeps(pid))
        processes_pause(0.001);
    kill(pid, SIGSTOP);
    hooks.gate(hooks.arg, 0, 2);
    processes_pause(0.02);
    kill(pid, SIGCONT);
    CU_ASSERT_EQUAL(processes_wait(pid, SOON_S), 0);
    struct stamps stamps = gate_stamps(gate, 1);
    CU_ASSERT_EQUAL(stamps.grains, 1);
    CU_ASSERT(stamps.last - stamps.first > 10000000);
    gate_close(gate);
}

int main(int argc, char **argv)
{
    const struct test tests[] = {
        {.name = "trial: a whole conversation", .run = whole_conversation},
        {.name = "trial: the end of the file at every stage", .run = end_of_file},
        {.name = "trial: killed at rest and at work", .run = killed},
        {.name = "trial: nobody listens", .run = nobody_listens},
        {.name = "trial: garbage", .run = garbage},
        {.name = "trial: a strategy that it does not know", .run = unknown_strategy},
        {.name = "trial: out of turn", .run = out_of_turn},
        {.name = "trial: its deadline", .run = deadline},
        {.name = "trial: who pays", .run = who_pays},
        {.name = "gate: a worker that comes when the window is over", .run = late_worker},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
