import cv2, numpy as np, time, os
from PIL import Image
im=np.array(Image.open('/work/wt/media/anchorfit/assets/demo/000000000785.jpg').convert('RGB'))
for w,h in ((1280,720),(320,240),(1920,1080)):
    base=cv2.resize(im,(w,h))[...,::-1]
    fs=[]
    for i in range(20):
        f=np.roll(base,3*i,axis=1).copy(); cv2.circle(f,(100+20*i,h//2),60,(0,0,255),-1); fs.append(f)
    for cc,ext in [('VP80','webm'),('VP90','webm'),('mp4v','mp4')]:
        p=f'/tmp/media/y.{ext}'; t=time.process_time()
        wr=cv2.VideoWriter(p,cv2.VideoWriter.fourcc(*cc),25.0,(w,h))
        for f in fs: wr.write(f)
        wr.release(); t=time.process_time()-t
        c=cv2.VideoCapture(p); ps=[cv2.PSNR(c.read()[1],f) for f in fs]
        print(w,cc,'ms/frame',round(1000*t/20),'kB',os.path.getsize(p)//1000,'psnr',[round(x,1) for x in ps[::4]])
