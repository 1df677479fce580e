// SPDX-License-Identifier: GPL-2.0-only
/*
 * vsock PORT: says hello to that port of this guest, and prints what comes back.
 * Ends with 0 when the connection is closed, and with 2 when there is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

int main(int argc, char **argv)
{
	static const char hello[] = "{\"command\":\"hello\"}\n";
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	char answer[4096];
	ssize_t got;

	address.svm_port = argc > 1 ? (unsigned int)atoi(argv[1]) : 0;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("connect");
		return 2;
	}
	/* It may be closed already. */
	if (send(fd, hello, strlen(hello), MSG_NOSIGNAL) < 0)
		perror("send");
	while ((got = read(fd, answer, sizeof(answer))) > 0)
		fwrite(answer, 1, (size_t)got, stdout);
	return 0;
}
