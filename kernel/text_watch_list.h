/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions that rootkits hook, by what they want to hide or to hear. Those that a kernel
 * does not have cost nothing. Names of system calls are those of x86-64's entry points.
 */
#ifndef PHOTON_RING_TEXT_WATCH_LIST_H
#define PHOTON_RING_TEXT_WATCH_LIST_H

/* clang-format off */
#define TEXT_WATCH_LIST(X)                                                              \
	/* entry from user space */                                                     \
	X(entry_SYSCALL_64) X(entry_SYSENTER_compat) X(entry_SYSCALL_compat)            \
	X(entry_INT80_compat) X(asm_int80_emulation) X(do_syscall_64)                   \
	X(do_int80_syscall_32) X(do_fast_syscall_32) X(x64_sys_call) X(ia32_sys_call)   \
	X(x32_sys_call) X(do_int80_emulation) X(asm_exc_page_fault) X(asm_exc_debug)    \
	X(asm_exc_int3) X(syscall_trace_enter) X(syscall_enter_from_user_mode)          \
	X(trace_syscall_enter) X(syscall_enter_audit)                                   \
	/* system calls: files */                                                       \
	X(__x64_sys_read) X(__x64_sys_write) X(__x64_sys_pread64) X(__x64_sys_readv)    \
	X(__x64_sys_preadv) X(__x64_sys_open) X(__x64_sys_openat) X(__x64_sys_openat2)  \
	X(__x64_sys_close) X(__x64_sys_stat) X(__x64_sys_lstat) X(__x64_sys_fstat)      \
	X(__x64_sys_newstat) X(__x64_sys_newlstat) X(__x64_sys_newfstat)                \
	X(__x64_sys_newfstatat) X(__x64_sys_statx) X(__x64_sys_access)                  \
	X(__x64_sys_faccessat) X(__x64_sys_faccessat2) X(__x64_sys_getdents)            \
	X(__x64_sys_getdents64) X(__x64_sys_readlink) X(__x64_sys_readlinkat)           \
	X(__x64_sys_rename) X(__x64_sys_renameat) X(__x64_sys_renameat2)                \
	X(__x64_sys_unlink) X(__x64_sys_unlinkat) X(__x64_sys_mkdir)                    \
	X(__x64_sys_mkdirat) X(__x64_sys_rmdir) X(__x64_sys_chdir)                      \
	X(__x64_sys_fchdir) X(__x64_sys_chmod) X(__x64_sys_fchmodat) X(__x64_sys_ioctl) \
	X(__x64_sys_sendfile64) X(__x64_sys_splice) X(__x64_sys_pwrite64)               \
	X(__x64_sys_writev) X(__x64_sys_mmap) X(__x64_sys_statfs) X(__x64_sys_fstatfs)  \
	X(__x64_sys_mount) X(__x64_sys_umount) X(__x64_sys_lseek)                       \
	/* system calls: processes, privilege, the kernel */                            \
	X(__x64_sys_kill) X(__x64_sys_tkill) X(__x64_sys_tgkill) X(__x64_sys_execve)    \
	X(__x64_sys_execveat) X(__x64_sys_clone) X(__x64_sys_clone3) X(__x64_sys_fork)  \
	X(__x64_sys_vfork) X(__x64_sys_exit) X(__x64_sys_exit_group) X(__x64_sys_getpgid) \
	X(__x64_sys_getsid) X(__x64_sys_getpriority) X(__x64_sys_sched_getaffinity)     \
	X(__x64_sys_sched_getparam) X(__x64_sys_sched_getscheduler)                     \
	X(__x64_sys_sched_rr_get_interval) X(__x64_sys_sysinfo) X(__x64_sys_ptrace)     \
	X(__x64_sys_prctl) X(__x64_sys_setuid) X(__x64_sys_setreuid)                    \
	X(__x64_sys_setresuid) X(__x64_sys_setgid) X(__x64_sys_getuid)                  \
	X(__x64_sys_geteuid) X(__x64_sys_init_module) X(__x64_sys_finit_module)         \
	X(__x64_sys_delete_module) X(__x64_sys_bpf) X(__x64_sys_perf_event_open)        \
	X(__x64_sys_kexec_load) X(__x64_sys_kexec_file_load) X(__x64_sys_reboot)        \
	X(__x64_sys_syslog) X(__x64_sys_pidfd_open) X(__x64_sys_pidfd_send_signal)      \
	X(__x64_sys_io_uring_enter) X(__x64_sys_process_vm_readv) X(__x64_sys_newuname) \
	/* system calls: network */                                                     \
	X(__x64_sys_socket) X(__x64_sys_connect) X(__x64_sys_bind) X(__x64_sys_accept)  \
	X(__x64_sys_accept4) X(__x64_sys_recvfrom) X(__x64_sys_recvmsg)                 \
	X(__x64_sys_recvmmsg) X(__x64_sys_sendto) X(__x64_sys_sendmsg)                  \
	/* the same for 32-bit programs */                                              \
	X(__ia32_sys_read) X(__ia32_sys_write) X(__ia32_sys_openat)                     \
	X(__ia32_sys_getdents) X(__ia32_sys_getdents64) X(__ia32_compat_sys_getdents)   \
	X(__ia32_sys_kill) X(__ia32_sys_tgkill) X(__ia32_sys_statx)                     \
	X(__ia32_sys_delete_module) X(__ia32_sys_init_module)                           \
	X(__ia32_sys_finit_module) X(__ia32_compat_sys_ioctl) X(__ia32_sys_unlinkat)    \
	/* listing and reading files */                                                 \
	X(filldir) X(filldir64) X(compat_filldir) X(fillonedir) X(compat_fillonedir)    \
	X(verify_dirent_name) X(iterate_dir) X(vfs_read) X(vfs_write) X(vfs_readv)      \
	X(kernel_read) X(ksys_read) X(ksys_write) X(do_sys_open) X(do_sys_openat2)      \
	X(do_filp_open) X(do_file_open) X(path_openat) X(vfs_open) X(do_dentry_open)    \
	X(vfs_statx)                                                                    \
	X(vfs_fstatat) X(vfs_fstat) X(vfs_getattr) X(vfs_getattr_nosec) X(do_statx)     \
	X(do_faccessat) X(user_path_at_empty) X(filename_lookup) X(__d_lookup)          \
	X(__d_lookup_rcu) X(d_lookup) X(lookup_dcache) X(vfs_unlink) X(vfs_rename)      \
	X(vfs_rmdir) X(notify_change) X(vfs_iter_read) X(new_sync_read)                 \
	X(generic_file_read_iter) X(do_readlinkat) X(vfs_readlink) X(security_file_open) \
	X(security_inode_getattr) X(seq_read) X(seq_read_iter) X(seq_write) X(seq_puts) \
	X(seq_printf) X(seq_vprintf) X(dcache_readdir)         \
	X(ext4_readdir) X(ext4_file_read_iter)                                          \
	/* /proc and /sys */                                                            \
	X(proc_root_readdir) X(proc_pid_readdir) X(proc_root_lookup) X(proc_pid_lookup) \
	X(proc_readdir) X(proc_readdir_de) X(next_tgid) X(proc_fill_cache)              \
	X(proc_pid_status) X(proc_tgid_stat) X(do_task_stat) X(proc_reg_read)           \
	X(proc_reg_read_iter) X(m_show) X(s_show) X(kernfs_fop_readdir)                 \
	X(kernfs_fop_read_iter) X(sysfs_kf_seq_show) X(kernfs_iop_lookup)               \
	X(proc_lookup) X(proc_lookup_de) X(meminfo_proc_show) X(show_map)               \
	/* processes and credentials */                                                 \
	X(find_task_by_vpid) X(find_task_by_pid_ns) X(find_pid_ns) X(find_vpid)         \
	X(find_get_pid) X(pid_task) X(get_pid_task) X(copy_process) X(copy_creds)       \
	X(kernel_clone) X(do_exit) X(exit_creds) X(release_task) X(commit_creds)        \
	X(prepare_creds) X(prepare_kernel_cred) X(override_creds) X(revert_creds)       \
	X(cap_capable) X(ns_capable) X(capable) X(security_capable) X(begin_new_exec)   \
	X(load_elf_binary) X(bprm_execve) X(do_execveat_common) X(do_send_sig_info)     \
	X(send_signal_locked) X(__send_signal_locked) X(group_send_sig_info)            \
	X(kill_pid_info) X(kill_something_info) X(check_kill_permission)                \
	X(security_task_kill) X(audit_alloc) X(ptrace_attach) X(__ptrace_may_access)    \
	X(ptrace_may_access) X(security_bprm_check) X(security_ptrace_access_check)     \
	X(get_signal) X(do_group_exit) X(account_process_tick) X(account_user_time)     \
	X(account_system_time) X(thread_group_cputime_adjusted) X(do_prlimit)           \
	X(__set_task_comm) X(call_usermodehelper_exec) X(call_usermodehelper)           \
	/* network */                                                                   \
	X(ip_rcv) X(ip_rcv_core) X(ip_local_deliver) X(ipv6_rcv) X(icmp_rcv)            \
	X(tcp_v4_rcv) X(tcp_v6_rcv) X(udp_rcv) X(__udp4_lib_rcv) X(packet_rcv)          \
	X(packet_rcv_spkt) X(tpacket_rcv) X(netif_rx) X(netif_receive_skb)              \
	X(__netif_receive_skb_core) X(netif_receive_skb_internal) X(dev_queue_xmit)     \
	X(__dev_queue_xmit) X(dev_get_stats) X(dev_seq_show) X(dev_seq_printf_stats)    \
	X(tcp4_seq_show) X(tcp6_seq_show) X(udp4_seq_show) X(udp6_seq_show)             \
	X(raw_seq_show) X(raw6_seq_show) X(ping_v4_seq_show) X(unix_seq_show)           \
	X(packet_seq_show) X(icmp6_seq_show) X(inet_sk_diag_fill) X(inet_csk_diag_fill) \
	X(sk_diag_fill) X(tcp_diag_dump) X(inet_diag_dump_icsk) X(netlink_recvmsg)      \
	X(inet_ioctl) X(sock_ioctl) X(inet_csk_get_port) X(inet_csk_accept)             \
	X(nf_hook_slow) X(nf_register_net_hook) X(sk_run_filter) X(sk_filter_trim_cap)  \
	X(nfnetlink_rcv) X(rtnl_fill_ifinfo) X(dev_ifconf) X(dev_ioctl)                 \
	/* terminals and keyboards */                                                   \
	X(tty_read) X(tty_write) X(tty_ioctl) X(n_tty_read) X(n_tty_write)              \
	X(n_tty_receive_buf) X(n_tty_receive_buf2) X(tty_insert_flip_string_fixed_flag) \
	X(pty_write) X(kbd_event) X(kbd_keycode) X(input_event) X(input_handle_event)   \
	X(atkbd_interrupt) X(evdev_event) X(con_write) X(do_con_write)                  \
	/* the kernel's log, and audit */                                               \
	X(vprintk) X(vprintk_emit) X(vprintk_store) X(vprintk_default) X(_printk)       \
	X(printk) X(do_syslog) X(devkmsg_read) X(devkmsg_open) X(devkmsg_write)         \
	X(devkmsg_poll) X(kmsg_read) X(kmsg_open) X(syslog_print) X(syslog_print_all)   \
	X(prb_read_valid) X(prb_reserve) X(prb_commit) X(console_unlock)                \
	X(kmsg_dump_get_line) X(audit_log_start) X(audit_log_end) X(audit_log_format)   \
	X(__audit_syscall_entry) X(__audit_syscall_exit) X(audit_receive_msg)           \
	X(audit_filter_syscall) X(audit_log_exit) X(recvmsg_nl) X(add_taint)            \
	X(proc_taint) X(print_modules) X(print_tainted) X(test_taint)                   \
	/* modules, symbols, tracing, BPF */                                            \
	X(load_module) X(do_init_module) X(init_module_from_file) X(free_module)        \
	X(find_module) X(find_module_all) X(mod_verify_sig) X(module_sig_check)         \
	X(mod_sysfs_setup) X(mod_sysfs_teardown) X(kallsyms_lookup_name)                \
	X(kallsyms_lookup) X(sprint_symbol) X(module_address_lookup)                    \
	X(kernel_text_address) X(__kernel_text_address) X(is_module_address)            \
	X(__module_address) X(__module_text_address) X(core_kernel_text)                \
	X(register_kprobe) X(unregister_kprobe) X(kprobe_ftrace_handler)                \
	X(kprobe_int3_handler) X(aggr_pre_handler) X(arm_kprobe) X(disarm_kprobe)       \
	X(disarm_all_kprobes) X(write_enabled_file_bool) X(register_ftrace_function)    \
	X(ftrace_ops_list_func) X(ftrace_enable_sysctl) X(ftrace_kill)                  \
	X(t_show) X(tracing_release_pipe) X(tracing_read_pipe) X(register_trace_event)  \
	X(tracepoint_probe_register) X(__bpf_prog_load) X(bpf_check) X(bpf_prog_load)   \
	X(__sys_bpf) X(bpf_map_lookup_elem) X(bpf_prog_get_fd_by_id)                    \
	X(bpf_prog_show_fdinfo) X(perf_event_alloc) X(security_bpf) X(bpf_probe_write_user) \
	X(notifier_call_chain) X(blocking_notifier_call_chain) X(klp_enable_patch)      \
	/* guards of the kernel */                                                      \
	X(avc_denied) X(avc_has_perm) X(slow_avc_audit) X(security_locked_down)         \
	X(lockdown_is_locked_down) X(security_kernel_read_file) X(security_file_permission) \
	X(security_inode_permission) X(security_kernel_load_data) X(apparmor_capable)   \
	X(selinux_file_permission) X(yama_ptrace_access_check) X(seccomp_filter)        \
	X(__secure_computing) X(security_kernel_module_request) X(inode_permission)     \
	X(generic_permission) X(may_open) X(set_memory_x) X(set_memory_rw)              \
	X(text_poke) X(text_poke_bp) X(text_poke_kgdb) X(smp_text_poke_single)          \
	X(smp_text_poke_batch_finish) X(native_write_cr0)                               \
	X(native_write_cr4) X(proc_dostring) X(proc_dointvec_minmax)                    \
	X(proc_sys_call_handler) X(panic) X(get_random_bytes) X(random_read)            \
	X(urandom_read) X(register_module_notifier) X(unregister_module_notifier)
/* clang-format on */

#endif
