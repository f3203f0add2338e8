import SafeFiles

/// The formats that files of tensors come in, told apart by their bytes and never by their names.
enum CheckpointFormat: Equatable {
    case safetensors
    /// A zip archive: PyTorch's or NumPy's.
    case zip
    /// One NumPy array.
    case numPyArray
    /// What `torch.save` wrote before 1.6, or with `_use_new_zipfile_serialization=False`.
    case legacyPickle
    /// What `torch.save` wrote before 0.1.10.
    case tar
    case pickle
    case gzip
    case hdf5
    /// What stands in a checkout for a file that Git keeps elsewhere.
    case gitLFSPointer
    case text
    case empty
    case unknown

    init(of source: ByteSource) throws(DataError) {
        let start = try source.bytes(0..<min(source.count, 265))
        func has(_ bytes: [UInt8], at offset: Int = 0) -> Bool { start.dropFirst(offset).starts(with: bytes) }
        // A header of the right length could start like any other format; only safetensors has its brace at byte 8.
        let isSafetensors = start.count >= 9 && start[8] == UInt8(ascii: "{") && start.uint64(at: 0) <= 100_000_000
        self =
            if isSafetensors { .safetensors } else if has(Array("PK\u{3}\u{4}".utf8)) {
                .zip
            } else if has([0x93] + Array("NUMPY".utf8)) { .numPyArray } else if has(Self.legacyMagic) {
                .legacyPickle
            } else if has(Array("ustar".utf8), at: 257) {
                .tar
            } else if start.count >= 2 && start[0] == 0x80 && (2...5).contains(start[1]) {
                .pickle
            } else if has([0x1F, 0x8B]) { .gzip } else if has([0x89] + Array("HDF\r\n".utf8)) {
                .hdf5
            } else if has(Array("version https://git-lfs".utf8)) {
                .gitLFSPointer
            } else if start.isEmpty {
                .empty
            } else if start.allSatisfy({ (32..<127).contains($0) || [9, 10, 13].contains($0) }) {
                .text
            } else if start.count >= 9 && [9, 10, 13, 32, UInt8(ascii: "{")].contains(start[8]) {
                // Also with a header length beyond all bounds, which its reader names.
                .safetensors
            } else { .unknown }
    }

    /// The number 0x1950A86A20F9469CFC6C as a pickle of protocol 2.
    private static let legacyMagic: [UInt8] = [
        0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    private var name: String {
        switch self {
        case .safetensors: "a safetensors file"
        case .zip: "a zip archive"
        case .numPyArray: "a NumPy array"
        case .legacyPickle: "a PyTorch file of the format before 1.6"
        case .tar: "a tar archive, as PyTorch wrote before 0.1.10"
        case .pickle: "a Python pickle"
        case .gzip: "a gzip file"
        case .hdf5: "an HDF5 file"
        case .gitLFSPointer: "a pointer of Git LFS"
        case .text: "text"
        case .empty: "an empty file"
        case .unknown: "other bytes"
        }
    }

    /// The error for a file of this format where another was wanted.
    func refused(_ file: String, expected: String) -> DataError {
        let remedy =
            switch self {
            case .legacyPickle, .tar:
                "write it again with PyTorch 1.6 or later: torch.save(torch.load(F, weights_only=True), G)"
            case .pickle: "if you trust the file, load it in Python and write its arrays with numpy.savez or torch.save"
            case .gzip: "unpack it first"
            case .gitLFSPointer: "fetch the file itself: git lfs pull"
            case .empty: "download or copy the file again"
            default: "check that this is the right file"
            }
        return DataError(.malformed, file: file, expected: expected, found: name, remedy: remedy)
    }
}
