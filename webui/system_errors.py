"""What the operating system says when it refuses."""

from __future__ import annotations

import errno
import socket

FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Numbers of the system's errors that mean that a disk, or a user's share of it, is full."""

_SYSTEM_REASONS_ZH = {
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "文件系统只读",
    errno.ENOSPC: "磁盘空间不足",
    errno.EDQUOT: "超出磁盘配额",
    errno.ENOENT: "文件或目录不存在",
    errno.EEXIST: "已存在同名文件",
    errno.ENOTDIR: "不是目录",
    errno.EISDIR: "是目录",
    errno.ENOTEMPTY: "目录非空",
    errno.ENAMETOOLONG: "文件名过长",
    errno.EMFILE: "打开的文件过多",
    errno.EBUSY: "文件正被占用",
    errno.EBADF: "已关闭",
    errno.EIO: "读写错误",
    errno.ECONNREFUSED: "连接被拒绝",
    errno.ECONNRESET: "连接被重置",
    errno.ENETUNREACH: "网络不可达",
    errno.EHOSTUNREACH: "主机不可达",
    errno.ETIMEDOUT: "连接超时",
}


def system_reason_zh(error: OSError) -> str:
    """Say in Chinese why the operating system refused; its own words are English."""
    if isinstance(error, socket.gaierror):
        return "域名解析失败"
    known = _SYSTEM_REASONS_ZH.get(error.errno or 0)
    return known or f"系统错误 {error.errno or type(error).__name__}"
