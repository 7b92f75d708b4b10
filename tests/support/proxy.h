/* A TCP proxy to a port of this host, in a thread of its own. It can go silent: both sides stay
 * open, and what they say is taken and thrown away, as a firewall does that forgot a connection. */
#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>

typedef struct proxy proxy;

proxy *proxy_start(int to_port); /* ends the test program where it can not */
int proxy_port(const proxy *proxy);
/* Connections made while silent are accepted and not forwarded. What was thrown away stays lost, so
 * connections of before are of no use after; new ones are. */
void proxy_silence(proxy *proxy, bool silent);
unsigned proxy_connections(const proxy *proxy); /* accepted so far */
unsigned proxy_pieces(const proxy *proxy); /* pieces that clients sent, as they arrived, so far */
void proxy_stop(proxy *proxy);

#endif
