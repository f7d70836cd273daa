#pragma once
#include <errno.h>
#include <fcntl.h>
#include <libv4l2.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

// v4l2_ioctl is variadic, which Swift cannot call.
static inline int v4l2_request(int fd, unsigned long request, void *argument) {
  return v4l2_ioctl(fd, request, argument);
}

// libv4l2 prints its errors on stderr, over whatever the terminal shows, unless it has a log file.
static inline void v4l2_be_quiet(void) {
  if (!v4l2_log_file) v4l2_log_file = fopen("/dev/null", "we");
}

// The _IOR/_IOWR macros do not reach Swift.
static const unsigned long V4L2_QUERYCAP = VIDIOC_QUERYCAP;
static const unsigned long V4L2_ENUM_FMT = VIDIOC_ENUM_FMT;
static const unsigned long V4L2_ENUM_FRAMESIZES = VIDIOC_ENUM_FRAMESIZES;
static const unsigned long V4L2_ENUM_FRAMEINTERVALS = VIDIOC_ENUM_FRAMEINTERVALS;
static const unsigned long V4L2_S_FMT = VIDIOC_S_FMT;
static const unsigned long V4L2_S_PARM = VIDIOC_S_PARM;
static const unsigned long V4L2_REQBUFS = VIDIOC_REQBUFS;
static const unsigned long V4L2_QUERYBUF = VIDIOC_QUERYBUF;
static const unsigned long V4L2_QBUF = VIDIOC_QBUF;
static const unsigned long V4L2_DQBUF = VIDIOC_DQBUF;
static const unsigned long V4L2_STREAMON = VIDIOC_STREAMON;
static const unsigned long V4L2_STREAMOFF = VIDIOC_STREAMOFF;
