/// The instructions of a pickle that a checkpoint needs; every other byte is refused.
///
/// - Source: torch/_weights_only_unpickler.py (PyTorch 2.15), Python's pickletools for their layouts.
enum PickleOpcode: UInt8, CaseIterable {
    case proto = 0x80
    case stop = 0x2E
    case mark = 0x28
    case emptyDict = 0x7D
    case emptyList = 0x5D
    case emptyTuple = 0x29
    case emptySet = 0x8F
    case tuple = 0x74
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case binInt = 0x4A
    case binInt1 = 0x4B
    case binInt2 = 0x4D
    case long1 = 0x8A
    case binFloat = 0x47
    case binUnicode = 0x58
    case shortBinString = 0x55
    case none = 0x4E
    case newTrue = 0x88
    case newFalse = 0x89
    case binGet = 0x68
    case longBinGet = 0x6A
    case binPut = 0x71
    case longBinPut = 0x72
    case append = 0x61
    case appends = 0x65
    case setItem = 0x73
    case setItems = 0x75
    case global = 0x63
    case reduce = 0x52
    case newObject = 0x81
    case build = 0x62
    case persistentID = 0x51
}
