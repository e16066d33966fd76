/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of system calls.  A list of what is allowed; of the rest, what only an intruder would
 * call ends the process at once (and its supervisor says so), and everything else fails as if the
 * kernel did not know it, so that a newer C library falls back instead of breaking us. Must never
 * allow a call for the sake of one that may come. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "util/sandbox_internal.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define MACHINE AUDIT_ARCH_X86_64
#define OTHER_ABI 0x40000000U /* x32: other numbers for the same calls */
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE AUDIT_ARCH_RISCV64
#endif

bool hf_seccomp_here(void)
{
#ifdef MACHINE
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
#else
	return false;
#endif
}

#ifdef MACHINE

/* The busiest first. */
static const int for_all[] = {
	__NR_read,
	__NR_write,
	__NR_recvmsg,
	__NR_sendmsg,
	__NR_recvfrom,
	__NR_sendto,
	__NR_ppoll,
	__NR_close,
	__NR_readv,
	__NR_writev,
	__NR_futex,
	__NR_getpid,
	__NR_getrandom,
	__NR_clock_gettime,
	__NR_clock_nanosleep,
	__NR_nanosleep,
	__NR_gettimeofday,
	__NR_brk,
	__NR_munmap,
	__NR_mremap,
	__NR_madvise,
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_sigaltstack,
	__NR_restart_syscall,
	__NR_sched_yield,
	__NR_gettid,
	__NR_getppid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getegid,
	__NR_exit,
	__NR_exit_group,
	__NR_fstat,
	__NR_newfstatat,
	__NR_statx,
	__NR_lseek,
	__NR_pread64,
	__NR_faccessat,
	__NR_readlinkat,
	__NR_getdents64,
	__NR_getcwd,
	__NR_fcntl,
	__NR_uname,
	__NR_sysinfo,
	__NR_getrusage,
	__NR_prlimit64,
	__NR_set_robust_list,
	__NR_membarrier,
	__NR_tgkill, /* abort(3) of ourselves; Landlock keeps other processes out of reach */
#ifdef __NR_rseq
	__NR_rseq,
#endif
#ifdef __NR_faccessat2
	__NR_faccessat2,
#endif
#ifdef __NR_open /* machines with the old calls beside the new ones */
	__NR_poll,
	__NR_stat,
	__NR_lstat,
	__NR_access,
	__NR_readlink,
	__NR_time,
#endif
};

static const int for_workers[] = {
	__NR_epoll_pwait, __NR_epoll_ctl,   __NR_accept4,     __NR_shutdown, __NR_setsockopt,
	__NR_getsockopt,  __NR_getsockname, __NR_getpeername, __NR_connect,  __NR_epoll_create1,
	__NR_eventfd2,	  __NR_pipe2,	    __NR_dup,	      __NR_dup3,     __NR_ftruncate,
	__NR_pwrite64,	  __NR_sendfile,    __NR_openat,
#ifdef __NR_open
	__NR_epoll_wait,  __NR_open,
#endif
};

static const int for_followers[] = {
	__NR_sendmmsg,	/* glibc asks for both kinds of address at once */
	__NR_fallocate, /* of the lists that it puts up (gateway/notice.c) */
};

/* What only an intruder calls here. */
static const int deadly[] = {
	__NR_execve,
	__NR_execveat,
	__NR_ptrace,
	__NR_process_vm_readv,
	__NR_process_vm_writev,
	__NR_bpf,
	__NR_mount,
	__NR_unshare,
	__NR_setns,
	__NR_init_module,
	__NR_finit_module,
	__NR_kexec_load,
	__NR_keyctl,
	__NR_add_key,
	__NR_userfaultfd,
	__NR_pivot_root,
	__NR_chroot,
	__NR_setuid,
	__NR_setgid,
	__NR_setresuid,
	__NR_setresgid,
	__NR_setgroups,
	__NR_capset,
#ifdef __NR_fork
	__NR_fork,
	__NR_vfork,
#endif
};

/* Allowed when argument `arg` has `value` in the bits of `mask`. */
struct partly {
	int nr;
	unsigned arg;
	uint32_t mask, value;
};

static const struct partly partly_for_all[] = {
	/* memory is data or code, never one after the other */
	{ __NR_mmap, 2, PROT_EXEC, 0 },
	{ __NR_mprotect, 2, PROT_EXEC, 0 },
};
static const struct partly partly_for_workers[] = {
	{ __NR_socket, 0, UINT32_MAX, AF_INET },
	{ __NR_socket, 0, UINT32_MAX, AF_INET6 },
	{ __NR_socket, 0, UINT32_MAX, AF_UNIX },
	{ __NR_ioctl, 1, UINT32_MAX, FIONREAD },
	{ __NR_ioctl, 1, UINT32_MAX, FIONBIO },
	/* threads, no processes */
	{ __NR_clone, 0, CLONE_THREAD, CLONE_THREAD },
};
static const struct partly partly_for_signers[] = {
	{ __NR_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	{ __NR_ioctl, 1, UINT32_MAX, FIONREAD },
#ifdef __NR_open
	{ __NR_open, 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
#endif
};

enum { PROGRAM_CAP = 512 };

struct program {
	struct sock_filter code[PROGRAM_CAP];
	unsigned short len;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (p->len < PROGRAM_CAP)
		p->code[p->len++] = (struct sock_filter){ code, yes, no, k };
}

static void load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void end(struct program *p, uint32_t action)
{
	add(p, BPF_RET | BPF_K, action, 0, 0);
}

/* The number of the call is loaded before and after. */
static void add_calls(struct program *p, const int *calls, size_t len, uint32_t action)
{
	for (size_t i = 0; i < len; i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
		end(p, action);
	}
}

/* The low half of an argument: all that we look at is 32 bits wide. */
static size_t low_half(unsigned arg)
{
	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);
}

static void add_partly(struct program *p, const struct partly *calls, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i].nr, 0, 5);
		load(p, low_half(calls[i].arg));
		add(p, BPF_ALU | BPF_AND | BPF_K, calls[i].mask, 0, 0);
		add(p, BPF_JMP | BPF_JEQ | BPF_K, calls[i].value, 0, 1);
		end(p, SECCOMP_RET_ALLOW);
		load(p, offsetof(struct seccomp_data, nr));
	}
}

#define CALLS(list) list, HF_ARRAY_LEN(list)

static void write_program(struct program *p, enum hf_sandbox_kind kind)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
	end(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef OTHER_ABI
	add(p, BPF_JMP | BPF_JGE | BPF_K, OTHER_ABI, 0, 1);
	end(p, SECCOMP_RET_KILL_PROCESS);
#endif
	add_calls(p, CALLS(for_all), SECCOMP_RET_ALLOW);
	if (kind == HF_SANDBOX_FOLLOWER)
		add_calls(p, CALLS(for_followers), SECCOMP_RET_ALLOW);
	if (kind != HF_SANDBOX_SIGNER) {
		add_calls(p, CALLS(for_workers), SECCOMP_RET_ALLOW);
		add_partly(p, CALLS(partly_for_workers));
	} else {
		add_partly(p, CALLS(partly_for_signers));
	}
	add_partly(p, CALLS(partly_for_all));
	add_calls(p, CALLS(deadly), SECCOMP_RET_KILL_PROCESS);
	end(p, SECCOMP_RET_ERRNO | ENOSYS);
}

int hf_seccomp_enter(enum hf_sandbox_kind kind, struct hf_err *err)
{
	struct program p = { .len = 0 };
	struct sock_fprog filter = { 0, p.code };

	write_program(&p, kind);
	if (p.len >= PROGRAM_CAP)
		return hf_err_set(err, HF_E_LIMIT, "the seccomp filter is too long");
	filter.len = p.len;
	if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
		return hf_err_errno(err, errno, "seccomp");
	return 0;
}

#else /* no numbers for this machine: hf_seccomp_here has said so */

int hf_seccomp_enter(enum hf_sandbox_kind kind, struct hf_err *err)
{
	(void)kind;
	return hf_err_set(err, HF_E_UNSUPPORTED, "no seccomp filter for this machine");
}

#endif
