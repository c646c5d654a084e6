/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * command_manager.c - `muster manager`: a manager that serves by an address until it is told to end. */
#include "bench/ipc/house.h"
#include "harness/clock.h"
#include "harness/commands.h"
#include "harness/key_file.h"
#include "harness/options.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TOLD_MOST 10 /* lines on standard error in a second: a flood of refusals shall not be one of text */

static const char *listen_at, *key_path;

static int listen_once(const struct option_spec *option, const char *text, struct problem *problem)
{
    if (listen_at)
        return problem_set(problem, EXIT_USAGE,
                           "--listen is given twice: a manager serves at one address, so start two");
    return options_text(option, text, problem);
}

static const struct option_spec options[] = {
    {.name = "listen",
     .argument = "ADDRESS",
     .help = "where to serve: unix:PATH or tcp:HOST:PORT; port 0 is the system's choice, and without HOST it is the "
             "loopback",
     .parse = listen_once,
     .target = &listen_at},
    {.name = "key-file",
     .argument = "FILE",
     .help = "the key: the file's whole content, 16 to 4096 bytes, readable by its owner only. tcp: needs one",
     .parse = options_text,
     .target = &key_path},
    {.name = NULL},
};

static const struct command_spec spec = {
    .name = "manager",
    .summary = "Serves pools and their objects by an address, on this machine or to others, until SIGTERM or SIGINT "
               "ends it.",
    .options = options,
    .notes = "It prints `listening on ADDRESS` once clients may come, and on standard error\n"
             "whom it turned away. A key keeps others out; what is sent is not encrypted.\n"
             "    head -c 32 /dev/urandom >key && chmod 600 key\n"
             "    muster manager --listen tcp:0.0.0.0:7000 --key-file key\n"
             "    muster run -s STRATEGY --manager tcp:HOST:7000 --key-file key\n"
             "has pools on another machine served, of a strategy that has a manager.\n",
};

/* --- telling ----------------------------------------------------------------------------------------------------- */

static void tell(const char *line)
{
    static int64_t second;
    static unsigned told;
    const int64_t now = clock_now() / NS_PER_S;
    if (now != second && told > TOLD_MOST)
        fprintf(stderr, "muster: %u more were turned away\n", told - TOLD_MOST);
    told = now == second ? told + 1 : 1;
    second = now;
    if (told <= TOLD_MOST)
        fprintf(stderr, "muster: %s\n", line);
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

/* A signal comes as one more that waits on the hub, so that none falls between look and sleep. */
struct bell {
    struct watcher watcher;
    int fd;
    int signal; /* 0: none came */
};

static int bell_ready(struct watcher *watcher, uint32_t events, struct error *error)
{
    struct bell *bell = (struct bell *)watcher;
    struct signalfd_siginfo info;
    (void)events, (void)error;
    if (read(bell->fd, &info, sizeof info) == sizeof info)
        bell->signal = (int)info.ssi_signo;
    return 0;
}

static int hang_bell(struct bell *bell, struct hub *hub, struct problem *problem)
{
    sigset_t set;
    struct sigaction hangup;
    *bell = (struct bell){.watcher.ready = bell_ready};
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    /* nohup has it ignored, and means it. */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    bell->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (bell->fd >= 0 && hub_watch(hub, bell->fd, EPOLLIN, &bell->watcher) == 0)
        return 0;
    return problem_set(problem, EXIT_UNPROVED, "cannot wait for signals: %s", strerror(errno));
}

/* --- serving ----------------------------------------------------------------------------------------------------- */

static int from_error(struct problem *problem, int code, const struct error *error)
{
    return problem_set(problem, code, "%s", error->text);
}

static int read_options(struct address *address, struct key_file *key, struct problem *problem)
{
    struct error error;
    if (!listen_at)
        return problem_set(problem, EXIT_USAGE, "manager needs --listen unix:PATH or tcp:HOST:PORT");
    if (address_parse(address, listen_at, &error))
        return problem_set(problem, EXIT_USAGE, "--listen: %s", error.text);
    if (key_path && key_file_read(key, key_path, problem))
        return -1;
    if ((key_path || !address->local) && !handshake_can_prove())
        return problem_set(problem, EXIT_UNPROVED,
                           "this muster was built without libsodium: its managers have no keys and serve at unix: "
                           "only");
    if (!address->local && !key_path)
        return problem_set(problem, EXIT_USAGE, "a manager at tcp: needs a key: --key-file FILE");
    return 0;
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int announce(const struct house *house, struct problem *problem)
{
    char text[ADDRESS_TEXT];
    printf("listening on %s\n", place_print(&house->door.listener.place, text));
    if (fflush(stdout) == 0)
        return 0;
    return problem_set(problem, EXIT_NO_OUTPUT, "cannot say where it listens: %s", strerror(errno));
}

static int serve(struct house *house, struct problem *problem)
{
    struct bell bell;
    struct error error;
    int result = hang_bell(&bell, &house->hub, problem);
    if (result == 0)
        result = announce(house, problem);
    while (result == 0 && bell.signal == 0)
        if (house_turn(house, -1, &error))
            result = from_error(problem, EXIT_UNPROVED, &error);
    if (bell.fd >= 0)
        close(bell.fd);
    if (result)
        return problem_print(problem);
    return bell.signal == SIGINT ? EXIT_INTERRUPTED : EXIT_FINE;
}

int command_manager(int argc, char **argv)
{
    struct problem problem;
    struct error error;
    struct address address;
    struct key_file file = {.count = 0};
    struct listener listener;
    struct house house;
    int first = options_parse(&spec, argc, argv, &problem);
    if (first <= 0)
        return first == 0 ? EXIT_FINE : problem_print(&problem);
    if (read_options(&address, &file, &problem))
        return problem_print(&problem);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    const struct key key = {.bytes = file.bytes, .count = file.count};
    const struct house_limits limits = house_limits_usual();
    if (address_listen(&address, &listener, &error) || house_open(&house, &listener, &key, &limits, &error)) {
        from_error(&problem, EXIT_UNPROVED, &error);
        return problem_print(&problem);
    }
    house.told = tell;
    int code = serve(&house, &problem);
    house_close(&house);
    return code;
}
