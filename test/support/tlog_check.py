"""Checks a C2SP tlog-tiles log with the standard library of Python only, written from the specifications:

    python3 tlog_check.py DIR|URL VKEY [OLD_SIZE...]

The Ed25519 signature of the checkpoint (RFC 8032), the root over the record hashes of the entry bundles (RFC 6962), every
hash tile, and an inclusion and a consistency proof for each old size. Prints one line; exit 1 when anything is wrong.
"""

import base64
import hashlib
import struct
import sys
import urllib.request

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def add(a, b):
    """Extended coordinates (X, Y, Z, T)."""
    one = (a[1] - a[0]) * (b[1] - b[0]) % P
    two = (a[1] + a[0]) * (b[1] + b[0]) % P
    three = 2 * a[3] * b[3] * D % P
    four = 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def decode_point(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        raise ValueError("y is out of range")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def ed25519_verifies(key, message, signature):
    base = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left = times(s, base)
    right = add(decode_point(signature[:32]), times(k, decode_point(key)))
    same = lambda i: (left[i] * right[2] - right[i] * left[2]) % P == 0
    return same(0) and same(1)


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(count):
    power = 1
    while power * 2 < count:
        power *= 2
    return power


class Tree:
    """RFC 6962 section 2.1, over all leaf hashes, by perfect subtrees."""

    def __init__(self, leaves):
        self.levels = [leaves]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            self.levels.append([node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])

    def root(self, start, end):
        count = end - start
        if count == 0:
            return hashlib.sha256(b"").digest()
        if count & (count - 1) == 0 and start % count == 0:
            return self.levels[count.bit_length() - 1][start // count]
        middle = start + split(count)
        return node(self.root(start, middle), self.root(middle, end))

    def inclusion(self, index, start, end):
        if end - start == 1:
            return []
        middle = start + split(end - start)
        if index < middle:
            return self.inclusion(index, start, middle) + [self.root(middle, end)]
        return self.inclusion(index, middle, end) + [self.root(start, middle)]

    def consistency(self, old, start, end, whole=True):
        if old == end:
            return [] if whole else [self.root(start, end)]
        middle = start + split(end - start)
        if old <= middle:
            return self.consistency(old, start, middle, whole) + [self.root(middle, end)]
        return self.consistency(old, middle, end, False) + [self.root(start, middle)]


def root_of_inclusion(index, size, hashed, path):
    """RFC 9162 section 2.1.3.2."""
    fn, sn, r = index, size - 1, hashed
    for p in path:
        check(sn != 0, "inclusion proof is too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0, "inclusion proof is too short")
    return r


def check_consistency(old, size, old_root, root, path):
    """RFC 9162 section 2.1.4.2."""
    if old == size:
        check(not path and old_root == root, "consistency of equal sizes")
        return
    if old & (old - 1) == 0:
        path = [old_root] + path
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        check(sn != 0, "consistency proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0 and fr == old_root and sr == root, "consistency proof")


def check(holds, what):
    if not holds:
        sys.exit("tlog_check: " + what)


def get(base, path):
    if base.startswith("http"):
        return urllib.request.urlopen(base + "/" + path).read()
    with open(base + "/" + path, "rb") as file:
        return file.read()


def tile_path(level, index, width):
    parts = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        parts.insert(0, "x%03d" % (index % 1000))
    return "tile/%s/%s%s" % (level, "/".join(parts), "" if width == 256 else ".p/%d" % width)


def verify_note(note, vkey):
    name, key_id, key64 = vkey.split("+", 2)
    raw = base64.b64decode(key64, validate=True)
    check(raw[0] == 1 and len(raw) == 33, "the vkey is not of Ed25519")
    expected = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    check(expected == key_id, "the key id does not follow from the vkey")
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, sig64 = line.split(" ")
        sig = base64.b64decode(sig64, validate=True)
        if dash == "\u2014" and signer == name and sig[:4].hex() == key_id:
            check(ed25519_verifies(raw[1:], text.encode(), sig[4:]), "the Ed25519 signature is wrong")
            return name, text
    sys.exit("tlog_check: no signature of this key")


def main(base, vkey, *old_sizes):
    name, text = verify_note(get(base, "checkpoint").decode(), vkey)
    origin, size, root64 = text.splitlines()
    check(origin == name, "the checkpoint is of " + origin)
    size, root = int(size), base64.b64decode(root64, validate=True)
    leaves = []
    for start in range(0, size, 256):
        width = min(256, size - start)
        bundle = get(base, tile_path("entries", start // 256, width))
        at = 0
        for _ in range(width):
            (length,) = struct.unpack_from(">H", bundle, at)
            check(at + 2 + length <= len(bundle), "an entry is cut off")
            leaves.append(leaf(bundle[at + 2 : at + 2 + length]))
            at += 2 + length
        check(at == len(bundle), "bytes behind the last entry")
    tree = Tree(leaves)
    check(tree.root(0, size) == root, "the root of the entries is not the one that was signed")
    level = 0
    while size >> (8 * level):
        hashes = tree.levels[8 * level]
        for index in range((len(hashes) + 255) // 256):
            expected = hashes[index * 256 : index * 256 + 256]
            path = tile_path(level, index, len(expected))
            check(get(base, path) == b"".join(expected), path + " does not fit the entries")
        level += 1
    for old in map(int, old_sizes):
        path = tree.inclusion(old - 1, 0, size)
        check(root_of_inclusion(old - 1, size, leaves[old - 1], path) == root, "inclusion proof")
        check_consistency(old, size, tree.root(0, old), root, tree.consistency(old, 0, size))
    print("ok %s %d records" % (name, size))


if __name__ == "__main__":
    main(*sys.argv[1:])
