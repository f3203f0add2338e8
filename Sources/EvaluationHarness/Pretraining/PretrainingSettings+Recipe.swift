import SafeFiles
import SelfSupervision
import VisionBackbones

extension PretrainingSettings {
    /// Reads a recipe of kind `pretrain`; every key of it must be known.
    public init(_ recipe: Recipe, seed: UInt64) throws(DataError) {
        let reader = recipe.reader()
        let header = try RecipeHeader(reader)
        guard header.kind == .pretrain else {
            throw reader.refused("kind", expected: "pretrain", found: header.kind.rawValue, "name a pretraining recipe")
        }
        let method: PretrainingMethod = try reader.choice("method")
        let vit = try reader.map("backbone")
        let training = try reader.map("training")
        let views = try reader.map("views")
        self.init(method: method, backbone: try ViTConfiguration(vit))
        self.seed = seed
        batchSize = try training.int("batch", in: 2...65_536)
        steps = try training.int("steps", in: 1...100_000_000)
        warmupSteps = try training.int("warmup_steps", in: 0...100_000_000)
        learningRate = try training.double("learning_rate", in: 0...10)
        weightDecay = try training.double("weight_decay", in: 0...10)
        clipNorm = try training.optional("clip_norm")
        snapshots = try SnapshotPlan(training)
        self.views = try ViewFraming(views)
        if let colours = try views.optionalMap("colours") { colour = try ColourAugmentation(colours) }
        switch method {
        case .mae: try readMAE(try reader.map("mae"))
        case .mocov3: try readMoCo(try reader.map("mocov3"), views)
        case .ibot: try readIBOT(try reader.map("ibot"), views)
        }
        try reader.assertAllKeysRead()
        for side in [self.views.size, canvasSide ?? 0, method == .ibot ? local.size : 0]
        where side % backbone.patchSize != 0 {
            throw views.refused(
                "size", expected: "a multiple of the patch size \(backbone.patchSize)", found: "\(side)",
                "change the view or the patch size")
        }
    }

    private mutating func readMAE(_ reader: RecipeReader) throws(DataError) {
        maskRatio = try reader.double("mask_ratio", in: 0...0.99)
        decoderWidth = try reader.int("decoder_width", in: 4...4096)
        decoderDepth = try reader.int("decoder_depth", in: 0...64)
    }

    private mutating func readMoCo(_ reader: RecipeReader, _ views: RecipeReader) throws(DataError) {
        canvasSide = try views.optional("canvas")
        if let canvasSide {
            let perSide = canvasSide / max(self.views.size, 1)
            guard canvasSide <= 4096, perSide > 0, canvasSide == perSide * self.views.size,
                batchSize % (perSide * perSide) == 0
            else {
                throw views.refused(
                    "canvas", expected: "a multiple of the view's side, filled by the batch",
                    found: "\(canvasSide) for views of \(self.views.size) and a batch of \(batchSize)",
                    "let (canvas / size)² divide the batch")
            }
        }
        hiddenWidth = try reader.int("hidden_width", in: 1...65_536)
        outputWidth = try reader.int("output_width", in: 1...65_536)
        temperature = try reader.double("temperature", in: 1e-3...10)
        momentum = try reader.double("momentum", in: 0...1)
        pooling = try reader.choice("pooling", default: .classToken)
        if canvasSide != nil, pooling == .classToken {
            throw reader.refused(
                "pooling", expected: "meanToken where views lie on a canvas", found: pooling.rawValue,
                "a canvas has one class token for all its views: set pooling or leave canvas out")
        }
    }

    private mutating func readIBOT(_ reader: RecipeReader, _ views: RecipeReader) throws(DataError) {
        localViews = try views.int("local_count", in: 0...64)
        local = ViewFraming(
            size: try views.int("local_size", in: 1...4096), scale: try views.shares("local_scale"),
            region: self.views.region)
        hiddenWidth = try reader.int("hidden_width", in: 1...65_536)
        bottleneck = try reader.int("bottleneck", in: 1...65_536)
        batchNormInHead = try reader.value("batch_norm_in_head")
        momentum = try reader.double("momentum", in: 0...1)
        ibot.prototypes = try reader.int("prototypes", in: 2...1_000_000)
        ibot.balance = try reader.choice("balance")
        ibot.studentTemperature = try reader.double("student_temperature", in: 1e-3...10)
        ibot.teacherTemperature = try reader.double("teacher_temperature", in: 1e-3...10)
        teacherTemperatureStart = try reader.double(
            "teacher_temperature_start", in: 1e-3...10, default: ibot.teacherTemperature)
        teacherTemperatureWarmupSteps = try reader.int(
            "teacher_temperature_warmup_steps", in: 0...100_000_000, default: 0)
        ibot.maskRatio = try reader.double("mask_ratio", in: 0.1...1)
        ibot.maskProbability = try reader.double("mask_probability", in: 0...1)
        ibot.patchWeight = try reader.double("patch_weight", in: 0...100)
    }
}

extension ColourAugmentation {
    /// Reads `brightness`, `contrast`, `saturation`, `hue` and the probabilities `jitter`, `grey`, `blur`, `solarize`.
    init(_ reader: RecipeReader) throws(DataError) {
        self.init()
        jitter.brightness = try reader.double("brightness", in: 0...1, default: jitter.brightness)
        jitter.contrast = try reader.double("contrast", in: 0...1, default: jitter.contrast)
        jitter.saturation = try reader.double("saturation", in: 0...1, default: jitter.saturation)
        jitter.hue = try reader.double("hue", in: 0...0.5, default: jitter.hue)
        jitter.probability = try reader.double("jitter", in: 0...1, default: jitter.probability)
        greyProbability = try reader.double("grey", in: 0...1, default: greyProbability)
        blurProbability = try reader.double("blur", in: 0...1, default: blurProbability)
        solarizeProbability = try reader.double("solarize", in: 0...1, default: solarizeProbability)
    }
}

extension ViTConfiguration {
    /// Reads `image_size`, `patch_size`, `width`, `depth`, `heads`, `mlp_ratio`, `position`, `drop_path`.
    init(_ reader: RecipeReader) throws(DataError) {
        self.init(
            imageSize: try reader.int("image_size", in: 1...8192), patchSize: try reader.int("patch_size", in: 1...256),
            width: try reader.int("width", in: 4...8192), depth: try reader.int("depth", in: 1...256),
            headCount: try reader.int("heads", in: 1...256),
            mlpRatio: try reader.double("mlp_ratio", in: 0.1...64, default: 4),
            position: try reader.choice("position", default: .sinCos),
            dropPath: try reader.double("drop_path", in: 0...0.99, default: 0))
        guard imageSize % patchSize == 0, width % headCount == 0, width % 4 == 0 else {
            throw reader.refused(
                "width", expected: "sizes that patches, heads and sines divide",
                found: "image \(imageSize), patch \(patchSize), width \(width), heads \(headCount)",
                "choose multiples: image of patch, width of heads and of 4")
        }
    }
}
