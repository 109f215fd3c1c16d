// Kernel sockets at their plainest: `kernel sink PORT` reads one stream, `kernel source HOST PORT SECONDS` writes one.
// Both print one line of JSON: bytes, secs, gbps; the source also how many segments the kernel sent again.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, WRITE_BYTES = 1 << 17 };
static char buffer[BUFFER_BYTES];

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int sink(int port) {
  const int on = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 1)) fail("listen");
  fprintf(stderr, "READY\n");
  int connection = accept(listener, NULL, NULL);
  if (connection < 0) fail("accept");
  unsigned long long bytes = 0;
  double first = 0, last = 0;
  ssize_t count;
  while ((count = recv(connection, buffer, BUFFER_BYTES, 0)) > 0) {
    last = seconds();
    if (bytes == 0) first = last;
    bytes += count;
  }
  if (count < 0) fail("recv");
  close(connection);
  printf("{\"bytes\":%llu,\"secs\":%.6f,\"gbps\":%.4f}\n", bytes, last - first, bytes * 8 / (last - first) / 1e9);
  return 0;
}

static int source(const char *host, int port, double duration) {
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (inet_pton(AF_INET, host, &peer.sin_addr) != 1) return 2;
  if (connect(connection, (struct sockaddr *)&peer, sizeof peer)) fail("connect");
  unsigned long long bytes = 0;
  const double start = seconds();
  double now = start;
  for (; now < start + duration; now = seconds()) {
    ssize_t count = send(connection, buffer, WRITE_BYTES, MSG_NOSIGNAL);
    if (count < 0) fail("send");
    bytes += count;
  }
  struct tcp_info info;
  socklen_t length = sizeof info;
  memset(&info, 0, sizeof info);
  getsockopt(connection, IPPROTO_TCP, TCP_INFO, &info, &length);
  shutdown(connection, SHUT_WR);
  while (recv(connection, buffer, BUFFER_BYTES, 0) > 0) {
  }
  printf("{\"bytes\":%llu,\"secs\":%.6f,\"gbps\":%.4f,\"retrans\":%u}\n", bytes, now - start,
         bytes * 8 / (now - start) / 1e9, info.tcpi_total_retrans);
  return 0;
}

int main(int count, char **words) {
  if (count == 3 && !strcmp(words[1], "sink")) return sink(atoi(words[2]));
  if (count == 5 && !strcmp(words[1], "source")) return source(words[2], atoi(words[3]), atof(words[4]));
  fprintf(stderr, "kernel sink PORT | kernel source HOST PORT SECONDS\n");
  return 2;
}
