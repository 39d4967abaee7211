/* A board for the example of docs/bridge-howto.md on this machine: its port is stdin and stdout, a file `press` its button. */
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "edgedevice.h"

void panel_start(const char *reason, uint32_t random);
void panel_turn(void);
uint32_t millis(void);
bool uart_get(uint8_t *byte);
bool uart_put(const uint8_t *bytes, uint16_t size);
float celsius(void);
bool button_down(void);
void lamp(bool on);

uint32_t millis(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U);
}

bool uart_get(uint8_t *byte)
{
    struct pollfd in = {0, POLLIN, 0};
    if (poll(&in, 1, 0) != 1) {
        return false;
    }
    if (read(0, byte, 1) != 1) {
        exit(0);
    }
    return true;
}

bool uart_put(const uint8_t *bytes, uint16_t size)
{
    return write(1, bytes, size) == (ssize_t)size;
}

float celsius(void)
{
    return 21.5F;
}

bool button_down(void)
{
    return access("press", F_OK) == 0;
}

void lamp(bool on)
{
    if (on) {
        close(dup(2)); /* nothing to show it with */
    }
}

int main(void)
{
    panel_start("power", (uint32_t)getpid());
    for (;;) {
        panel_turn();
        usleep(10000);
    }
}
