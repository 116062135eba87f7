/* Preloaded into a program, this makes its machine have slept: CLOCK_BOOTTIME is ahead by as many
   seconds as the file $ASLEEP says, while CLOCK_MONOTONIC, which stands still in sleep, is right. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec* out) {
  static int (*real)(clockid_t, struct timespec*);
  if (real == NULL) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int status = real(clock, out);
  const char* path = clock == CLOCK_BOOTTIME ? getenv("ASLEEP") : NULL;
  const int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file >= 0) {
    char text[20] = {0};
    if (read(file, text, sizeof text - 1) > 0) out->tv_sec += atol(text);
    close(file);
  }
  return status;
}
