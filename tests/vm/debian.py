# SPDX-License-Identifier: GPL-2.0
"""Debian packages of any suite and architecture, without touching the machine's own packages.

apt runs on private lists and an empty status file below the cache folder,
${XDG_CACHE_HOME:-~/.cache}/kmscope/vm. A downloaded package lies beside its checksum as the suite's
signed index gave it, which is compared before each use.
"""
import fcntl
import functools
import glob
import hashlib
import lzma
import os
import re
import shlex
import shutil
import stat
import subprocess
import time

CACHE = os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "kmscope", "vm"
)
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LISTS_GOOD_FOR = 24 * 3600  # seconds


class Unavailable(Exception):
    """What was asked for can't be had; the text says why."""


# --- the mirror -----------------------------------------------------------------------------------


def configured_uris():
    """Archive addresses in the machine's apt configuration, in both of its notations."""
    names = ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*"))
    for name in names:
        try:
            with open(name, encoding="utf-8", errors="replace") as f:
                lines = [line.split("#")[0].strip() for line in f]
        except OSError:
            continue
        for line in lines:
            match = re.match(r"(?:deb\s+(?:\[[^]]*\]\s*)?|URIs:\s*)(\S+)", line)
            if match:
                yield match.group(1).rstrip("/")


def mirror():
    """The machine's own Debian mirror: its address ends in «debian», security's does not."""
    for uri in configured_uris():
        if re.search(r"://.*/debian$", uri):
            return uri
    raise Unavailable("apt knows no Debian mirror: /etc/apt/sources.list* should name one")


# --- apt with a state of its own ------------------------------------------------------------------


class Suite:
    """One suite for one architecture."""

    def __init__(self, suite, arch):
        self.suite, self.arch = suite, arch
        self.state = os.path.join(CACHE, "apt", "%s-%s" % (suite, arch))
        self.packages = os.path.join(CACHE, "packages")
        self.options = [
            "-oAPT::Architecture=" + arch,
            "-oAPT::Architectures=" + arch,
            "-oDir::State::Lists=" + self.path("lists"),
            "-oDir::State::status=" + self.path("status"),
            "-oDir::Cache=" + self.path("cache"),
            # Debian's container images turn these off: seconds for each call
            "-oDir::Cache::pkgcache=pkgcache.bin",
            "-oDir::Cache::srcpkgcache=srcpkgcache.bin",
            "-oDir::Etc::SourceList=" + self.path("sources.list"),
            "-oDir::Etc::SourceParts=/nonexistent",
            "-oDir::Etc::Preferences=/nonexistent",
            "-oDir::Etc::PreferencesParts=/nonexistent",
            "-oAPT::Default-Release=",
            "-oAPT::Sandbox::User=",
            "-oAPT::Update::Post-Invoke-Success::=",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=3",
        ]

    def path(self, name):
        return os.path.join(self.state, name)

    def run(self, tool, *args, cwd=None):
        command = [tool, "-qq"] + self.options + list(args)
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Unavailable("%s %s: %s" % (tool, " ".join(args), said[-1] if said else "failed"))
        return done.stdout

    def update(self):
        """Fetch the suite's index unless that was done today; an older one serves if offline."""
        stamp = self.path("updated")
        if os.path.exists(stamp) and time.time() - os.path.getmtime(stamp) < LISTS_GOOD_FOR:
            return
        for folder in ("lists/partial", "cache/archives/partial"):
            os.makedirs(self.path(folder), exist_ok=True)
        open(self.path("status"), "w", encoding="utf-8").close()
        signed = " [signed-by=%s]" % KEYRING if os.path.exists(KEYRING) else ""
        with open(self.path("sources.list"), "w", encoding="utf-8") as f:
            f.write("deb%s %s %s main\n" % (signed, mirror(), self.suite))
        try:
            self.run("apt-get", "update")
        except Unavailable:
            if not os.path.exists(stamp):
                raise
            return
        with open(stamp, "w", encoding="utf-8") as f:
            f.write("%d\n" % time.time())

    def show(self, packages):
        """The fields of the newest versions of packages, in their order."""
        text = self.run("apt-cache", "show", "--no-all-versions", *packages)
        found = {}
        for stanza in text.split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z0-9-]+): (.*)$", stanza, re.M))
            found[fields.get("Package")] = fields
        for name in packages:
            if name not in found:
                raise Unavailable("%s has no package %s for %s" % (self.suite, name, self.arch))
        return [found[package] for package in packages]

    def with_dependencies(self, packages):
        """Names of packages and of all that they depend on."""
        text = self.run("apt-get", "-s", "install", "--no-install-recommends", *packages)
        return re.findall(r"^Inst (\S+)", text, re.M)

    def fetch(self, packages):
        """Paths of packages' .deb files, downloaded if they are not there yet."""
        wanted = self.show(packages)
        paths = [os.path.join(self.packages, os.path.basename(w["Filename"])) for w in wanted]
        missing = [
            (path, fields) for path, fields in zip(paths, wanted)
            if not checksum_holds(path, fields["SHA256"])
        ]
        if missing:
            self.download(missing)
        return paths

    def download(self, missing):
        """missing: (path, the fields of the package that shall be there)."""
        os.makedirs(self.packages, exist_ok=True)
        part = self.path("download")
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        self.run("apt-get", "download", *[fields["Package"] for _, fields in missing], cwd=part)
        # apt's names have a version's epoch, the index's have not
        got = {n.split("_")[0]: n for n in os.listdir(part)}
        for path, fields in missing:
            with open(path + ".sha256", "w", encoding="utf-8") as f:
                f.write("%s  %s\n" % (fields["SHA256"], os.path.basename(path)))
            os.replace(os.path.join(part, got[fields["Package"]]), path)
            if not checksum_holds(path, fields["SHA256"]):
                raise Unavailable("%s: the checksum is wrong" % os.path.basename(path))


def checksum_holds(path, expected):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as f:
            for block in iter(lambda: f.read(1 << 20), b""):
                digest.update(block)
        return digest.hexdigest() == expected
    except FileNotFoundError:
        return False


class Locked:
    """One at a time in the cache, also among several runs."""

    def __enter__(self):
        os.makedirs(CACHE, exist_ok=True)
        self.file = open(os.path.join(CACHE, "lock"), "w", encoding="utf-8")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *exc):
        self.file.close()


# --- unpacking --------------------------------------------------------------------------------------


def unpack(debs, folder, members=(), prepare=None):
    """
    Unpack (only those members of) packages into a folder that exists complete or not at all.
    prepare(folder) is called before.
    """
    if os.path.isdir(folder):
        return folder
    part = "%s.part" % folder
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    if prepare:
        prepare(part)
    for deb in debs:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "-C", part] + (["--wildcards"] + list(members) if members else []),
                stdin=tar.stdout,
                stderr=subprocess.DEVNULL,  # members that are not in this one
                check=not members,
            )
    os.rename(part, folder)
    return folder


# --- kernels ----------------------------------------------------------------------------------------


def dependencies(suite, package):
    names = suite.show([package])[0].get("Depends", "").split(",")
    return [re.split(r"[\s(|]", name.strip())[0] for name in names]


def image_package(suite, package):
    """Follow linux-image-amd64 and the like to the package that has the kernel in it."""
    for prefix in (r"linux-image-[0-9]", r"linux-binary-[0-9]"):
        for _ in range(4):
            if re.match(prefix, package):
                break
            names = dependencies(suite, package)
            names.sort(key=lambda n: not re.match(prefix, n))
            if not names or not re.match(r"linux-(image|binary)", names[0]):
                break
            package = names[0]
    if not re.match(r"linux-(image|binary)-[0-9]", package):
        raise Unavailable("%s: no kernel behind %s" % (suite.suite, package))
    return package


@functools.lru_cache(maxsize=None)
def kernel(suite_name, arch, package):
    """(path of the kernel image, its release)."""
    with Locked():
        suite = Suite(suite_name, arch)
        suite.update()
        (deb,) = suite.fetch([image_package(suite, package)])
        folder = os.path.join(CACHE, "kernels", os.path.basename(deb)[: -len(".deb")])
        unpack([deb], folder, ["*vmlinu[xz]*", "./boot/config-*"])
    images = glob.glob(os.path.join(folder, "**", "vmlinu[xz]*"), recursive=True)
    if len(images) != 1:
        raise Unavailable("%s: %d kernel images in it" % (os.path.basename(deb), len(images)))
    return images[0], os.path.basename(folder).split("_")[0].split("-", 2)[2]


@functools.lru_cache(maxsize=None)
def kernel_modules(suite_name, arch, package, names):
    """NAME -> file of a kernel's own modules (names: a tuple), uncompressed."""
    _, release = kernel(suite_name, arch, package)
    with Locked():
        suite = Suite(suite_name, arch)
        # sid's image has none in it
        apart = "linux-modules-" + release
        image = image_package(suite, package)
        needed = dependencies(suite, "linux-image-" + release)
        (deb,) = suite.fetch([apart if apart in needed else image])
        label = os.path.basename(deb)[: -len(".deb")] + "-" + "-".join(names)
        folder = os.path.join(CACHE, "modules", label)
        unpack([deb], folder, ["*/%s.ko*" % name for name in names])
    return {name: uncompressed(folder, name + ".ko") for name in names}


def uncompressed(folder, file):
    found = sorted(glob.glob(os.path.join(folder, "**", file + "*"), recursive=True))
    if not found:
        raise Unavailable("%s: no %s in it" % (os.path.basename(folder), file))
    if found[0].endswith(".ko"):
        return found[0]
    if not found[0].endswith(".xz"):
        raise Unavailable("%s is compressed in a way that is not known" % found[0])
    path = found[0][: -len(".xz")]
    with lzma.open(found[0]) as packed, open(path + ".part", "wb") as out:
        shutil.copyfileobj(packed, out)
    os.replace(path + ".part", path)
    return path


def own_arch():
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def headers(suite_name, arch, package):
    """
    The build folder of a kernel, for «make -C»: its headers, those shared by all flavours, and
    kbuild's programs, which are this machine's. Debian's makefile names /usr/src: that is changed.
    """
    _, release = kernel(suite_name, arch, package)
    with Locked():
        suite, tools = Suite(suite_name, arch), Suite(suite_name, own_arch())
        tools.update()
        name = "linux-headers-" + release
        needed = [n for n in dependencies(suite, name) if re.match(r"linux-(headers|kbuild)-", n)]
        debs = suite.fetch([name] + [n for n in needed if "kbuild" not in n])
        debs += tools.fetch([n for n in needed if "kbuild" in n])
        folder = os.path.join(CACHE, "headers", os.path.basename(debs[0])[: -len(".deb")])
        part = folder + ".unpacking"
        build = os.path.join("usr", "src", name)
        if not os.path.isdir(folder):
            shutil.rmtree(part, ignore_errors=True)
            unpack(debs, part)
            path = os.path.join(part, build, "Makefile")
            with open(path, encoding="utf-8") as f:
                text = f.read()
            with open(path, "w", encoding="utf-8") as f:
                f.write(re.sub(r"(?<=[ =])/usr/src", folder + "/usr/src", text))
            os.rename(part, folder)
    return os.path.join(folder, build)


def packages(suite_name, arch, names, label):
    """A folder with these packages unpacked into it."""
    with Locked():
        suite = Suite(suite_name, arch)
        suite.update()
        debs = suite.fetch(names)
        text = "\n".join(sorted(os.path.basename(d) for d in debs))
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        return unpack(debs, os.path.join(CACHE, label, "%s-%s-%s" % (suite_name, arch, key)))


# --- a suite's own programs -------------------------------------------------------------------------


def prepare_root(folder):
    """What no package brings that is only unpacked: Debian's merged folders, awk, devices."""
    for name in ("bin", "sbin", "lib", "lib64"):
        os.makedirs(os.path.join(folder, "usr", name))
        os.symlink("usr/" + name, os.path.join(folder, name))
    os.symlink("mawk", os.path.join(folder, "usr", "bin", "awk"))
    for name in ("dev", "proc", "tmp"):
        os.mkdir(os.path.join(folder, name))
    os.mknod(os.path.join(folder, "dev", "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))


@functools.lru_cache(maxsize=None)
def root(suite_name, names):
    """A folder with packages (a tuple) for this machine, and all they depend on, to run them in."""
    with Locked():
        suite = Suite(suite_name, own_arch())
        suite.update()
        shell = ["dash", "coreutils", "diffutils", "findutils", "grep", "mawk", "sed"]
        debs = suite.fetch(suite.with_dependencies(shell + list(names)))
        text = "\n".join(sorted(os.path.basename(d) for d in debs))
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        folder = os.path.join(CACHE, "root", "%s-%s" % (suite_name, key))
        return unpack(debs, folder, prepare=prepare_root)


def run_in_root(folder, mounts, command):
    """
    Run a command in such a folder, which sees the folders «mounts» of this machine under their own
    names, and /proc, in a mount namespace that ends with it. Takes root.
    """
    script = ["set -e", "mount -t proc proc %s" % shlex.quote(folder + "/proc")]
    for name in mounts:
        os.makedirs(folder + name, exist_ok=True)
        script.append("mount --bind %s %s" % (shlex.quote(name), shlex.quote(folder + name)))
    command = ["chroot", folder, "env", "-i", "PATH=/usr/bin"] + command
    script.append("exec " + shlex.join(command))
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", "\n".join(script)],
        capture_output=True, text=True, check=False,
    )
