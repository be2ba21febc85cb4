# The other end of NOTIFY_SOCKET: binds the datagram socket of its argument and prints what comes, one line for each, with the
# process id that the kernel vouches for. A barrier is answered as systemd does it: by closing the descriptor that came with it.
import array
import json
import os
import socket
import struct
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
listener.bind(sys.argv[1])
print(json.dumps({"listening": True}), flush=True)
while True:
    data, ancillary, _flags, _address = listener.recvmsg(4096, 1024)
    pids = [
        struct.unpack("3i", value)[0]
        for level, kind, value in ancillary
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS
    ]
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors = array.array("i")
            descriptors.frombytes(value[: len(value) - len(value) % descriptors.itemsize])
            for descriptor in descriptors:
                os.close(descriptor)
    if data == b"BARRIER=1":
        continue
    print(json.dumps({"text": data.decode(), "pid": pids[0] if pids else None}), flush=True)
