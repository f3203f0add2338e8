import Communication
import Determinism
import Foundation
import JSONText
import Reporting
import SafeFiles
import TensorCore

/// The machine and the build a number was made with. Holds no host name, user name or path.
public struct EnvironmentReport: Sendable, Equatable {
    public var facts: [EnvironmentFact]

    /// Asks the system. Costs some milliseconds; reads no more than `/proc` and `/etc/os-release`.
    public static func current(locator: ResourceLocator? = try? ResourceLocator.current()) -> EnvironmentReport {
        var facts: [EnvironmentFact] = []
        func add(_ key: String, _ value: String?) { facts.append(EnvironmentFact(key: key, value: value ?? "unknown")) }
        add("tool", "dmt \(BuildInfo.version)")
        add("commit", BuildInfo.commit(locator))
        add("swift", BuildInfo.swiftVersion)
        add("os", osName)
        add("kernel", kernelRelease)
        let cpu = text("/proc/cpuinfo") ?? ""
        add("cpu", field("model name", in: cpu))
        add("cpu_flags", flags(in: cpu))
        add("cpu_path", Kernels.pathName)
        add("cores", "\(Parallel.coreCount)")
        add("threads", "\(Parallel.threadCount)")
        if World.group.size > 1 { add("ranks", "\(World.group.size)") }
        add("memory_mib", memoryMiB.map { "\($0)" })
        for library in libraries { add(library.key, library.value) }
        add("time_zone", TimeZone.current.identifier)
        add(
            "locale",
            ProcessInfo.processInfo.environment["LC_ALL"] ?? ProcessInfo.processInfo.environment["LANG"] ?? "C")
        return EnvironmentReport(facts: facts)
    }

    public subscript(key: String) -> String? { facts.first { $0.key == key }?.value }

    /// An object of texts.
    public var json: JSONValue { .object(facts.map { ($0.key, .string($0.value)) }) }

    /// `key: value` lines.
    public var text: String { facts.map { "\($0.key): \($0.value)\n" }.joined() }

    // MARK: Sources

    static func text(_ path: String) -> String? {
        // Files of /proc have size 0, so they are read until their end.
        guard let handle = fopen(path, "r") else { return nil }
        defer { fclose(handle) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 1 << 24 {
            let count = fread(&buffer, 1, buffer.count, handle)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func field(_ key: String, in text: String) -> String? {
        for line in text.split(separator: "\n") where line.hasPrefix(key) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return nil
    }

    private static func flags(in cpu: String) -> String? {
        let interesting = [
            "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16",
            "avx512_vnni", "amx_bf16", "amx_tile",
        ]
        guard let all = field("flags", in: cpu) else { return nil }
        let present = Set(all.split(separator: " ").map(String.init))
        return interesting.filter(present.contains).joined(separator: " ")
    }

    private static var osName: String? {
        text("/etc/os-release")?.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
            .map { $0.dropFirst(12).trimmingCharacters(in: CharacterSet(charactersIn: "\"")) }
    }

    private static var kernelRelease: String? {
        text("/proc/sys/kernel/osrelease")?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Online cores of the machine; those that this process may use can be fewer.
    static var machineCores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Physical memory; 4 GiB where the system does not tell.
    static var memoryBytes: Int { (memoryMiB ?? 4096) << 20 }

    private static var memoryMiB: Int? {
        field("MemTotal", in: text("/proc/meminfo") ?? "").flatMap { Int($0.prefix { $0.isNumber }) }.map { $0 / 1024 }
    }

    /// Versions of the linked system libraries, from the names of the files mapped into this process.
    static var libraries: [EnvironmentFact] {
        let wanted = ["libjpeg", "libpng16", "libdeflate", "libjson-c", "libsimdjson", "libzip", "libc.so"]
        var found: [String: String] = [:]
        for line in (text("/proc/self/maps") ?? "").split(separator: "\n") {
            guard let slash = line.firstIndex(of: "/") else { continue }
            let path = String(line[slash...])
            for library in wanted where found[library] == nil && Folder.name(of: path).hasPrefix(library) {
                guard let real = realpath(path, nil) else { continue }
                found[library] = Folder.name(of: String(cString: real))
                free(real)
            }
        }
        return wanted.compactMap { name in
            found[name].map { EnvironmentFact(key: name.trimmingSuffix(".so"), value: $0) }
        }
    }
}
