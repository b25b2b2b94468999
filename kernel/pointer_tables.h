/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of functions of the kernel image, by what can be heard or hidden there, with the
 * type that members.h has for them. Those that a kernel does not have cost nothing.
 */
#ifndef PHOTON_RING_POINTER_TABLES_H
#define PHOTON_RING_POINTER_TABLES_H

/* clang-format off */
#define POINTER_TABLES(X)                                                               \
	/* what /proc shows: lines of lists */                                          \
	X(tcp4_seq_ops, SEQ) X(tcp6_seq_ops, SEQ) X(udp_seq_ops, SEQ)                   \
	X(udp6_seq_ops, SEQ) X(raw_seq_ops, SEQ) X(raw6_seq_ops, SEQ)                   \
	X(ping_v4_seq_ops, SEQ) X(ping_v6_seq_ops, SEQ) X(packet_seq_ops, SEQ)          \
	X(unix_seq_ops, SEQ) X(netlink_seq_ops, SEQ) X(ptype_seq_ops, SEQ)              \
	X(dev_seq_ops, SEQ) X(dev_mc_seq_ops, SEQ) X(arp_seq_ops, SEQ)                  \
	X(igmp_mc_seq_ops, SEQ) X(proto_seq_ops, SEQ) X(modules_op, SEQ)                \
	X(kallsyms_op, SEQ) X(mounts_op, SEQ) X(vmalloc_op, SEQ) X(slabinfo_op, SEQ)    \
	X(swaps_op, SEQ) X(cpuinfo_op, SEQ) X(consoles_op, SEQ) X(tty_drivers_op, SEQ)  \
	X(tty_ldiscs_seq_ops, SEQ) X(crypto_seq_ops, SEQ) X(misc_seq_ops, SEQ)          \
	X(input_devices_seq_ops, SEQ) X(input_handlers_seq_ops, SEQ)                    \
	X(proc_pid_maps_op, SEQ) X(proc_pid_smaps_op, SEQ) X(proc_timers_seq_ops, SEQ)  \
	X(bpf_prog_seq_ops, SEQ) X(bpf_map_seq_ops, SEQ) X(bpf_link_seq_ops, SEQ)       \
	X(kprobes_sops, SEQ) X(kprobe_blacklist_sops, SEQ) X(show_ftrace_seq_ops, SEQ)  \
	X(show_set_event_seq_ops, SEQ) X(kernfs_seq_ops, SEQ)                           \
	/* files and folders of /proc */                                                \
	X(proc_seq_ops, PROC) X(proc_single_ops, PROC) X(proc_net_seq_ops, PROC)        \
	X(proc_net_single_ops, PROC) X(modules_proc_ops, PROC)                          \
	X(kallsyms_proc_ops, PROC) X(kmsg_proc_ops, PROC) X(kcore_proc_ops, PROC)       \
	X(cpuinfo_proc_ops, PROC) X(slabinfo_proc_ops, PROC) X(swaps_proc_ops, PROC)    \
	X(input_devices_proc_ops, PROC) X(input_handlers_proc_ops, PROC)                \
	X(proc_root_operations, FILE) X(proc_dir_operations, FILE)                      \
	X(proc_net_operations, FILE) X(proc_reg_file_ops, FILE)                         \
	X(proc_iter_file_ops, FILE) X(proc_tgid_base_operations, FILE)                  \
	X(proc_tid_base_operations, FILE) X(proc_task_operations, FILE)                 \
	X(proc_fd_operations, FILE) X(proc_fdinfo_operations, FILE)                     \
	X(proc_single_file_operations, FILE) X(proc_pid_maps_operations, FILE)          \
	X(proc_pid_smaps_operations, FILE) X(proc_pid_smaps_rollup_operations, FILE)    \
	X(proc_pid_numa_maps_operations, FILE) X(proc_pid_cmdline_ops, FILE)            \
	X(proc_pid_set_comm_operations, FILE) X(proc_mem_operations, FILE)              \
	X(proc_environ_operations, FILE) X(proc_auxv_operations, FILE)                  \
	X(proc_pagemap_operations, FILE) X(proc_map_files_operations, FILE)             \
	X(proc_mounts_operations, FILE) X(proc_mountinfo_operations, FILE)              \
	X(proc_mountstats_operations, FILE) X(proc_loginuid_operations, FILE)           \
	X(proc_sessionid_operations, FILE) X(proc_pid_attr_operations, FILE)            \
	X(proc_pid_sched_operations, FILE) X(proc_sys_file_operations, FILE)            \
	X(proc_sys_dir_file_operations, FILE) X(proc_ns_dir_operations, FILE)           \
	X(proc_attr_dir_operations, FILE) X(proc_root_inode_operations, INODE)          \
	X(proc_dir_inode_operations, INODE) X(proc_file_inode_operations, INODE)        \
	X(proc_link_inode_operations, INODE) X(proc_net_inode_operations, INODE)        \
	X(proc_tgid_base_inode_operations, INODE)                                       \
	X(proc_tid_base_inode_operations, INODE) X(proc_task_inode_operations, INODE)   \
	X(proc_fd_inode_operations, INODE) X(proc_fdinfo_inode_operations, INODE)       \
	X(proc_def_inode_operations, INODE) X(proc_pid_link_inode_operations, INODE)    \
	X(proc_self_inode_operations, INODE) X(proc_sys_inode_operations, INODE)        \
	X(proc_sys_dir_operations, INODE) X(proc_map_files_inode_operations, INODE)     \
	X(pid_dentry_operations, DENTRY) X(tid_fd_dentry_operations, DENTRY)            \
	X(proc_misc_dentry_ops, DENTRY) X(proc_net_dentry_ops, DENTRY)                  \
	X(proc_sys_dentry_operations, DENTRY) X(proc_sops, SUPER)                       \
	X(tgid_base_stuff, OTHER) X(tid_base_stuff, OTHER)                              \
	/* /sys, debugfs, tracefs, BPF's files */                                       \
	X(kernfs_dir_fops, FILE) X(kernfs_file_fops, FILE)                              \
	X(debugfs_full_proxy_file_operations, FILE)                                     \
	X(debugfs_full_short_proxy_file_operations, FILE)                               \
	X(debugfs_open_proxy_file_operations, FILE) X(kprobes_fops, FILE)               \
	X(kprobe_blacklist_fops, FILE) X(ftrace_enabled_fops, FILE)                     \
	X(ftrace_touched_fops, FILE) X(ftrace_filter_fops, FILE)                        \
	X(ftrace_avail_fops, FILE) X(ftrace_set_event_fops, FILE) X(tracing_fops, FILE) \
	X(tracing_iter_fops, FILE) X(tracing_pipe_fops, FILE) X(set_tracer_fops, FILE)  \
	X(show_traces_fops, FILE) X(bpf_prog_fops, FILE) X(bpf_map_fops, FILE)          \
	X(bpf_link_fops, FILE) X(bpf_iter_fops, FILE) X(bpffs_obj_fops, FILE)           \
	X(eventfs_file_operations, FILE) X(kernfs_dir_iops, INODE)                      \
	X(kernfs_iops, INODE) X(kernfs_symlink_iops, INODE)                             \
	X(debugfs_dir_inode_operations, INODE) X(debugfs_file_inode_operations, INODE)  \
	X(tracefs_dir_inode_operations, INODE) X(tracefs_file_inode_operations, INODE)  \
	X(bpf_dir_iops, INODE) X(bpf_prog_iops, INODE) X(bpf_map_iops, INODE)           \
	X(kernfs_dops, DENTRY) X(debugfs_dops, DENTRY)                                  \
	X(tracefs_dentry_operations, DENTRY) X(kernfs_sops, SUPER)                      \
	X(debugfs_super_operations, SUPER) X(tracefs_super_operations, SUPER)           \
	X(bpf_super_ops, SUPER)                                                         \
	/* file systems with files of people's */                                       \
	X(simple_dir_operations, FILE) X(simple_offset_dir_operations, FILE)            \
	X(empty_dir_operations, FILE) X(shmem_file_operations, FILE)                    \
	X(ramfs_file_operations, FILE) X(ext4_dir_operations, FILE)                     \
	X(ext4_file_operations, FILE) X(simple_dir_inode_operations, INODE)             \
	X(empty_dir_inode_operations, INODE) X(shmem_dir_inode_operations, INODE)       \
	X(shmem_inode_operations, INODE) X(shmem_special_inode_operations, INODE)       \
	X(ramfs_dir_inode_operations, INODE) X(ramfs_file_inode_operations, INODE)      \
	X(ext4_dir_inode_operations, INODE) X(ext4_file_inode_operations, INODE)        \
	X(ext4_special_inode_operations, INODE) X(simple_dentry_operations, DENTRY)     \
	X(simple_super_operations, SUPER) X(shmem_ops, SUPER) X(ramfs_ops, SUPER)       \
	X(ext4_sops, SUPER)                                                             \
	/* the root folder of kernel threads */                                         \
	X(nullfs_dir_operations, FILE) X(nullfs_super_operations, SUPER)                \
	/* devices, the kernel's log, terminals */                                      \
	X(kmsg_fops, FILE) X(mem_fops, FILE) X(port_fops, FILE) X(null_fops, FILE)      \
	X(zero_fops, FILE) X(full_fops, FILE) X(random_fops, FILE)                      \
	X(urandom_fops, FILE) X(memory_fops, FILE) X(def_chr_fops, FILE)                \
	X(def_blk_fops, FILE) X(pipefifo_fops, FILE) X(misc_fops, FILE)                 \
	X(tty_fops, FILE) X(console_fops, FILE) X(hung_up_tty_fops, FILE)               \
	X(ptmx_fops, FILE) X(con_ops, TTY) X(ptm_unix98_ops, TTY)                       \
	X(pty_unix98_ops, TTY) X(n_tty_ops, LDISC) X(null_ldisc, LDISC)                 \
	X(tty_ldiscs, SLOTS)                                                            \
	/* who watches the system */                                                    \
	X(socket_file_ops, FILE) X(perf_fops, FILE) X(eventpoll_fops, FILE)             \
	X(eventfd_fops, FILE) X(signalfd_fops, FILE) X(timerfd_fops, FILE)              \
	X(pidfd_fops, FILE) X(inotify_fops, FILE) X(fanotify_fops, FILE)                \
	/* sockets and protocols */                                                     \
	X(inet_stream_ops, SOCKET) X(inet_dgram_ops, SOCKET)                            \
	X(inet_sockraw_ops, SOCKET) X(inet6_stream_ops, SOCKET)                         \
	X(inet6_dgram_ops, SOCKET) X(inet6_sockraw_ops, SOCKET)                         \
	X(unix_stream_ops, SOCKET) X(unix_dgram_ops, SOCKET)                            \
	X(unix_seqpacket_ops, SOCKET) X(packet_ops, SOCKET) X(netlink_ops, SOCKET)      \
	X(tcp_prot, PROTO) X(tcpv6_prot, PROTO) X(udp_prot, PROTO) X(udpv6_prot, PROTO) \
	X(raw_prot, PROTO) X(rawv6_prot, PROTO) X(ping_prot, PROTO)                     \
	X(pingv6_prot, PROTO) X(tcp_protocol, NET) X(udp_protocol, NET)                 \
	X(udplite_protocol, NET) X(icmp_protocol, NET) X(igmp_protocol, NET)            \
	X(tcpv6_protocol, NET6) X(udpv6_protocol, NET6) X(udplitev6_protocol, NET6)     \
	X(icmpv6_protocol, NET6) X(inet_protos, SLOTS) X(inet6_protos, SLOTS)           \
	/* what runs programs */                                                        \
	X(elf_format, BINFMT) X(compat_elf_format, BINFMT) X(script_format, BINFMT)
/* clang-format on */

#endif
