/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping the board.  Must be done before the first fork. */
#include "gateway/board.h"

#include <sys/mman.h>

static size_t bytes(size_t workers)
{
	return sizeof(struct hf_board) + workers * sizeof(struct hf_board_row);
}

struct hf_board *hf_board_map(size_t workers)
{
	void *memory =
	    mmap(NULL, bytes(workers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct hf_board *board = memory;

	if (memory == MAP_FAILED)
		return NULL;
	board->drain_ms = -1;
	return board;
}

void hf_board_unmap(struct hf_board *board, size_t workers)
{
	if (board != NULL)
		(void)munmap(board, bytes(workers));
}
