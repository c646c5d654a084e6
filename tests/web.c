/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * web.c - a web server on the loopback, as small as can be. */
#include "tests/web.h"

#include <CUnit/CUnit.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_MOST 1000000

struct web {
    pid_t pid;
};

/* One request, its answer, and the end. */
static void serve(int fd)
{
    char request[4096] = "", head[256];
    size_t have = 0;
    ssize_t got;
    while (!strstr(request, "\r\n\r\n") && have + 1 < sizeof request &&
           (got = read(fd, request + have, sizeof request - 1 - have)) > 0)
        have += (size_t)got;
    unsigned bytes = 0;
    bool found = sscanf(request, "GET /%u ", &bytes) == 1 && bytes <= PAGE_MOST;
    char *page = malloc(PAGE_MOST);
    if (!page)
        _exit(1);
    bytes = found ? bytes : 10;
    memset(page, 'x', bytes);
    int length = snprintf(head, sizeof head, "HTTP/1.0 %s\r\nContent-Length: %u\r\nConnection: close\r\n\r\n",
                          found ? "200 OK" : "404 Not Found", bytes);
    if (write(fd, head, (size_t)length) < 0)
        _exit(1);
    for (size_t sent = 0; sent < bytes; sent += (size_t)got)
        if ((got = write(fd, page + sent, bytes - sent)) <= 0)
            _exit(1);
    _exit(0);
}

static void serve_all(int listener, pid_t parent)
{
    signal(SIGCHLD, SIG_IGN);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        _exit(1);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        pid_t self = getpid(), pid = fork();
        if (pid == 0) {
            if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != self)
                _exit(1);
            serve(fd);
        }
        close(fd);
    }
}

struct web *web_open(unsigned *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    struct web *web = malloc(sizeof *web);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t parent = getpid();
    CU_ASSERT_FATAL(web && fd >= 0);
    CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&name, length) == 0 && listen(fd, 64) == 0);
    CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
    *port = ntohs(name.sin_port);
    web->pid = fork();
    if (web->pid == 0)
        serve_all(fd, parent);
    close(fd);
    CU_ASSERT_FATAL(web->pid > 0);
    return web;
}

void web_close(struct web *web)
{
    if (!web)
        return;
    kill(web->pid, SIGKILL);
    waitpid(web->pid, NULL, 0);
    free(web);
}
