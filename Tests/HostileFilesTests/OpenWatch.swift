import Foundation
import Testing

/// Tells whether anything below some folders was opened, by asking the kernel: also what was opened and closed again.
struct OpenWatch: ~Copyable {
    private let descriptor: Int32

    init(_ folders: [String]) throws {
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        try #require(descriptor >= 0)
        for folder in folders {
            let watch = inotify_add_watch(descriptor, folder, UInt32(IN_OPEN | IN_ACCESS))
            try #require(watch >= 0, "\(folder) cannot be watched")
        }
    }

    deinit { close(descriptor) }

    /// The names of what was opened since the last call.
    func opened() -> [String] {
        let header = MemoryLayout<inotify_event>.size
        var names: [String] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return names }
            var place = 0
            while place < count {
                let length = buffer.withUnsafeBytes { bytes in
                    Int(bytes.loadUnaligned(fromByteOffset: place, as: inotify_event.self).len)
                }
                let name = buffer[place + header..<place + header + length].prefix { $0 != 0 }
                names.append(name.isEmpty ? "the folder" : String(decoding: name, as: UTF8.self))
                place += header + length
            }
        }
    }
}
