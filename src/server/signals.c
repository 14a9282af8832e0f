/* SPDX-License-Identifier: Apache-2.0
 *
 * The signals that the server listens to: SIGTERM, SIGINT and SIGQUIT end it, SIGHUP opens the log
 * anew. They come as bytes of a descriptor to the main thread; all threads have them blocked.
 */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server/server_int.h"

int
qli_signals_open(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGQUIT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

unsigned
qli_signals_take(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? info.ssi_signo : 0;
}

bool
qli_signals_say_stop(int fd)
{
    bool stop = false;
    for (unsigned number; (number = qli_signals_take(fd)) != 0;) {
        stop |= number != SIGHUP;
    }
    return stop;
}
