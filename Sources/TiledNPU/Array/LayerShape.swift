/// The iteration space of one contraction as a tiled accelerator sees it.
///
/// A convolution keeps its spatial structure; a matrix product is a convolution whose kernel is 1×1 and whose
/// rows lie along `outputHeight`. All extents are elements, channel counts are totals over all groups.
package struct LayerShape: Hashable, Sendable {
  package var batch: Int
  package var inputHeight: Int
  package var inputWidth: Int
  package var inputChannels: Int
  package var outputHeight: Int
  package var outputWidth: Int
  package var outputChannels: Int
  package var kernelHeight: Int
  package var kernelWidth: Int
  package var strideHeight: Int
  package var strideWidth: Int
  package var dilationHeight: Int
  package var dilationWidth: Int
  package var groups: Int

  package init(
    batch: Int = 1,
    input: (height: Int, width: Int, channels: Int),
    output: (height: Int, width: Int, channels: Int),
    kernel: (height: Int, width: Int) = (1, 1),
    stride: (height: Int, width: Int) = (1, 1),
    dilation: (height: Int, width: Int) = (1, 1),
    groups: Int = 1
  ) {
    self.batch = batch
    inputHeight = input.height
    inputWidth = input.width
    inputChannels = input.channels
    outputHeight = output.height
    outputWidth = output.width
    outputChannels = output.channels
    kernelHeight = kernel.height
    kernelWidth = kernel.width
    strideHeight = stride.height
    strideWidth = stride.width
    dilationHeight = dilation.height
    dilationWidth = dilation.width
    self.groups = groups
  }

  /// A matrix product of `rows × depth` by `depth × columns`, repeated `batch` times with different operands.
  package static func matrixProduct(rows: Int, columns: Int, depth: Int, batch: Int = 1) -> LayerShape {
    LayerShape(
      input: (rows, 1, depth * batch), output: (rows, 1, columns * batch), groups: batch)
  }

  /// Rows of the flattened product of one group: output positions times batch.
  package var gemmRows: Int { batch * outputHeight * outputWidth }
  /// Columns of the flattened product of one group: filters.
  package var gemmColumns: Int { outputChannels / groups }
  /// Contraction depth of the flattened product of one group: kernel positions times input channels.
  package var gemmDepth: Int { kernelElements * channelsPerGroup }

  package var kernelElements: Int { kernelHeight * kernelWidth }
  package var channelsPerGroup: Int { inputChannels / groups }
  /// One input channel per filter: no reduction over channels.
  package var isDepthwise: Bool { groups > 1 && channelsPerGroup == 1 && kernelElements > 1 }

  package var macs: Int { groups * gemmRows * gemmColumns * gemmDepth }
  package var weightElements: Int { groups * gemmColumns * gemmDepth }
  package var inputElements: Int { batch * inputHeight * inputWidth * inputChannels }
  /// Input elements in rows that some window touches: a strided 1×1 convolution skips rows.
  package var touchedInputElements: Int {
    let reach = (kernelHeight - 1) * dilationHeight + 1
    return batch * min(inputHeight, outputHeight * reach) * inputWidth * inputChannels
  }
  package var outputElements: Int { batch * outputHeight * outputWidth * outputChannels }

  /// Input rows that `rows` consecutive output rows read, clipped to the input.
  package func inputRows(forOutputRows rows: Int) -> Int {
    min(inputHeight, (rows - 1) * strideHeight + (kernelHeight - 1) * dilationHeight + 1)
  }
}

/// `⌈a / b⌉` for non-negative `a` and positive `b`.
@inlinable
package func ceilDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }

/// The smallest multiple of `b` that is at least `a`.
@inlinable
package func roundUp(_ a: Int, to b: Int) -> Int { ceilDivide(a, b) * b }
