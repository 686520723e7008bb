"""The network and all that runs it: checkpoint, device, engines, batches; the room that needs torch.

Windows and strips are handed out in `inference.segmentation`; weights are learnt in `training`.
"""
